//! One version of a service.

use super::possible_list;
use crate::document::decode::{Decode, Fields, Reader, Step};
use crate::document::node::Node;
use crate::document::problem::Fault;
use crate::document::service::{Build, Endpoint, VersionSpec};

impl Decode for VersionSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(
            node,
            reader,
            "an object, as { name: \"2.1.0\", endpoints: [ http://127.0.0.1:9001 ] }",
        )?;
        let name = fields.required("name");
        let endpoints = possible_list::<Endpoint>(&mut fields, "endpoints");
        let needs = fields.or_default("needs");
        let build = fields.or_default("build");
        fields.finish();
        Some(VersionSpec {
            name: name?,
            endpoints: endpoints?.into_iter().collect::<Option<_>>()?,
            needs: needs?,
            build: build?,
        })
    }
}

impl Decode for Build {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { commit: 4f2a9c1 }")?;
        let commit = said(&mut fields, "commit");
        let image = said(&mut fields, "image");
        let url = said(&mut fields, "url");
        let config_digest = said(&mut fields, "configDigest");
        let labels = fields.or_default("labels");
        if let Some(Some(url)) = &url
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            // It is shown as a link, so that nothing else may hide in it.
            let fault = Fault::invalid(format!("`{url}` is not an address of the web"));
            fields.report_in(&["url".into()], fault.accepted("text that begins with https:// or http://"));
        }
        fields.finish();
        Some(Build {
            commit: commit?,
            image: image?,
            url: url?,
            config_digest: config_digest?,
            labels: labels?,
        })
    }
}

/// Text that says something: a pipeline that has nothing to fill in writes it empty, and two versions of which nothing
/// is known would look the same.
fn said(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<Option<String>> {
    let text = fields.optional::<String>(name)?;
    if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
        let fault = Fault::invalid("it is empty").hint("leave the field out when it is not known");
        fields.report_in(&[Step::from(name)], fault);
        return None;
    }
    Some(text)
}
