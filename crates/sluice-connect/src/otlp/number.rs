//! Numbers as JSON has them in OTLP: those of 64 bits as texts or numbers, and `"NaN"` for what JSON has no number for.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;

use super::message::{CUMULATIVE, DELTA};

/// Any of the forms; `null` stands for the default, as everywhere in the JSON of protobuf.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Form {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    Null,
}

impl Form {
    fn unsigned<E: Error>(&self) -> Result<u64, E> {
        match self {
            Form::Unsigned(number) => Ok(*number),
            Form::Signed(number) => Err(E::custom(format!("{number} is below zero"))),
            Form::Float(number) => Err(E::custom(format!("{number} is not a whole number"))),
            Form::Text(text) => {
                text.parse().map_err(|_| E::custom(format!("`{text}` is not a whole number")))
            }
            Form::Null => Ok(0),
        }
    }

    fn signed<E: Error>(&self) -> Result<i64, E> {
        match self {
            Form::Unsigned(number) => {
                i64::try_from(*number).map_err(|_| E::custom(format!("{number} is too large")))
            }
            Form::Signed(number) => Ok(*number),
            Form::Float(number) => Err(E::custom(format!("{number} is not a whole number"))),
            Form::Text(text) => {
                text.parse().map_err(|_| E::custom(format!("`{text}` is not a whole number")))
            }
            Form::Null => Ok(0),
        }
    }

    fn float<E: Error>(&self) -> Result<f64, E> {
        match self {
            Form::Unsigned(number) => Ok(*number as f64),
            Form::Signed(number) => Ok(*number as f64),
            Form::Float(number) => Ok(*number),
            Form::Text(text) => text.parse().map_err(|_| E::custom(format!("`{text}` is not a number"))),
            Form::Null => Ok(0.0),
        }
    }
}

pub(super) fn unsigned<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Form::deserialize(from)?.unsigned()
}

pub(super) fn maybe_signed<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    match Form::deserialize(from)? {
        Form::Null => Ok(None),
        form => form.signed().map(Some),
    }
}

pub(super) fn float<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Form::deserialize(from)?.float()
}

pub(super) fn maybe_float<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    match Form::deserialize(from)? {
        Form::Null => Ok(None),
        form => form.float().map(Some),
    }
}

pub(super) fn all_unsigned<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    let forms = Option::<Vec<Form>>::deserialize(from)?.unwrap_or_default();
    forms.iter().map(Form::unsigned).collect()
}

pub(super) fn all_floats<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let forms = Option::<Vec<Form>>::deserialize(from)?.unwrap_or_default();
    forms.iter().map(Form::float).collect()
}

/// By number, as OTLP wants it, or by name, as other JSON of protobuf has it.
pub(super) fn temporality<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    match Form::deserialize(from)? {
        Form::Text(text) if text == "AGGREGATION_TEMPORALITY_DELTA" => Ok(DELTA),
        Form::Text(text) if text == "AGGREGATION_TEMPORALITY_CUMULATIVE" => Ok(CUMULATIVE),
        Form::Text(text) if text == "AGGREGATION_TEMPORALITY_UNSPECIFIED" => Ok(0),
        form => Ok(i32::try_from(form.signed::<D::Error>()?).unwrap_or_default()),
    }
}

pub(super) fn as_text<S: Serializer>(number: &i64, into: S) -> Result<S::Ok, S::Error> {
    into.collect_str(number)
}
