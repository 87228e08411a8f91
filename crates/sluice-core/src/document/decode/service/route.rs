//! Which requests belong to a service.

use super::possible_list;
use crate::document::decode::{Decode, Fields, Reader, report_duplicates};
use crate::document::node::Node;
use crate::document::problem::Fault;
use crate::document::service::RouteSpec;

pub(super) fn routes(fields: &mut Fields<'_, '_>) -> Option<Vec<RouteSpec>> {
    let routes = possible_list::<RouteSpec>(fields, "routes")?;
    report_duplicates(
        &routes,
        |route| route,
        |index, route| {
            let fault = Fault::duplicate(format!("the route {route} is given twice"));
            fields.report_in(&["routes".into(), index.into()], fault);
        },
    );
    routes.into_iter().collect()
}

impl Decode for RouteSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            Fields::open_as(node, reader, "an object, as { host: shop.example.com, path: /checkout }")?;
        let host = fields.or_default("host");
        let path = fields.or_default("path");
        fields.finish();
        Some(RouteSpec { host: host?, path: path? })
    }
}
