//! How a service's endpoints are trusted.

use crate::document::decode::{Decode, Fields, Reader};
use crate::document::node::Node;
use crate::document::service::{ClientCertificate, EndpointTls};

impl Decode for EndpointTls {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { ca: /etc/sluice/endpoints/ca.pem }")?;
        let ca = fields.optional("ca");
        let client = fields.optional("client");
        let server_name = fields.optional("serverName");
        fields.finish();
        Some(EndpointTls { ca: ca?, client: client?, server_name: server_name? })
    }
}

impl Decode for ClientCertificate {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(
            node,
            reader,
            "an object, as { certificate: /etc/sluice/endpoints/tls.crt, key: /etc/sluice/endpoints/tls.key }",
        )?;
        let certificate = fields.required("certificate");
        let key = fields.optional("key");
        fields.finish();
        Some(ClientCertificate { certificate: certificate?, key: key? })
    }
}
