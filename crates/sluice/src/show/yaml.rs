//! JSON values as YAML text.

use saphyr::{Mapping, Scalar, Yaml, YamlEmitter};
use serde_json::Value;

/// The value as a YAML document, without the `---` before it, with a line break at its end.
pub(crate) fn text_of(value: &Value) -> String {
    let mut text = String::new();
    let mut emitter = YamlEmitter::new(&mut text);
    emitter.multiline(true);
    // Writing into a string cannot fail.
    let _written = emitter.dump(&node_of(value));
    let text = text.strip_prefix("---\n").unwrap_or(&text);
    format!("{}\n", text.trim_end_matches('\n'))
}

fn node_of(value: &Value) -> Yaml<'_> {
    let scalar = match value {
        Value::Null => Scalar::Null,
        Value::Bool(truth) => Scalar::Boolean(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Scalar::Integer(whole),
            (None, Some(float)) => Scalar::FloatingPoint(float.into()),
            (None, None) => Scalar::String(number.to_string().into()),
        },
        Value::String(text) => Scalar::String(text.as_str().into()),
        Value::Array(items) => return Yaml::Sequence(items.iter().map(node_of).collect()),
        Value::Object(fields) => {
            let mut mapping = Mapping::new();
            for (name, value) in fields {
                mapping.insert(Yaml::Value(Scalar::String(name.as_str().into())), node_of(value));
            }
            return Yaml::Mapping(mapping);
        }
    };
    Yaml::Value(scalar)
}

#[cfg(test)]
mod tests {
    use super::*;
    use saphyr::LoadableYamlNode;

    #[test]
    fn text_that_looks_like_something_else_stays_text() {
        let value = serde_json::json!({
            "version": "2.10", "yes": "no", "empty": "", "null": null, "list": [1, 2.5, true, "a: b"], "none": {},
            "multi": "one\ntwo\n", "colon": "12:30", "star": "*", "hash": "# no comment"
        });
        let text = text_of(&value);
        let back = Yaml::load_from_str(&text).unwrap().remove(0);
        assert_eq!(back, node_of(&value), "{text}");
    }
}
