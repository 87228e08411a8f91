//! Reading a rule's text, and writing a part of it again for messages.

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::parser::PrattParser;

use super::error::ConditionError;

/// The longest rule: long enough for a list of a hundred names, short enough to be read by a person, and by a parser
/// that calls itself.
const SOURCE_BYTES_MAX: usize = 2_000;

/// How deep brackets may lie in each other.
const DEPTH_MAX: u16 = 32;

/// Reads a rule.
///
/// By the crate's Pratt parser rather than its ANTLR one, which takes more than eight megabytes of stack for fifty
/// brackets and speaks in token sets.
pub(super) fn parse(source: &str) -> Result<IdedExpr, ConditionError> {
    if source.trim().is_empty() {
        return Err(ConditionError::new("the rule is empty").mend_by("for everyone, write `true`"));
    }
    if source.len() > SOURCE_BYTES_MAX {
        return Err(ConditionError::new(format!(
            "the rule is {} bytes long; at most {SOURCE_BYTES_MAX} are allowed",
            source.len()
        )));
    }
    PrattParser::new().max_recursion_depth(DEPTH_MAX).parse(source).map_err(|errors| {
        let Some(first) = errors.errors.first() else {
            return ConditionError::new("the rule cannot be read");
        };
        let (line, column) = first.pos;
        let at = if source.contains('\n') {
            format!("line {line}, column {column}")
        } else {
            format!("column {column}")
        };
        plain(&first.msg, &at)
    })
}

/// The parser's message in plain words.
fn plain(message: &str, at: &str) -> ConditionError {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let unexpected = message.strip_prefix("mismatched input '").and_then(|rest| rest.split_once('\''));
    match unexpected {
        Some(("<EOF>", _)) => ConditionError::new("the rule ends too early"),
        Some((text, _)) => {
            let error = ConditionError::new(format!("`{text}` is not expected at {at} of the rule"));
            let mend = match text {
                "=" => "to compare, write `==`",
                "and" | "AND" | "&" => "write `&&`",
                "or" | "OR" | "|" => "write `||`",
                "not" | "NOT" => "write `!`",
                "is" => "write `==`",
                _ => return error,
            };
            error.mend_by(mend)
        }
        None if message.starts_with("expression recursion limit exceeded") => {
            ConditionError::new(format!("brackets lie more than {DEPTH_MAX} deep in each other"))
        }
        None if message == "invalid argument to has() macro" => {
            ConditionError::new(format!("`has` at {at} of the rule asks for one thing"))
                .mend_by("as in `has(visitor.plan)`")
        }
        None if message.starts_with("unable to unescape") => {
            ConditionError::new(format!("the text at {at} of the rule holds a backslash that means nothing"))
                .mend_by(r"write `\\` for a backslash, or put an `r` before the quotes")
        }
        None => match message.strip_prefix("expected '").and_then(|rest| rest.split_once('\'')) {
            Some((text, _)) => ConditionError::new(format!("`{text}` is missing at {at} of the rule")),
            None => ConditionError::new(format!("the rule cannot be read at {at}: {message}")),
        },
    }
}

/// A part of a rule as it could have been written, shortened for a message.
pub(super) fn written(expr: &IdedExpr) -> String {
    const CHARACTERS_MAX: usize = 60;
    let mut text = String::new();
    write(expr, &mut text, 0);
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What lies deeper would be cut off by the length anyway.
const WRITTEN_DEPTH_MAX: usize = 16;

fn write(expr: &IdedExpr, out: &mut String, depth: usize) {
    if depth > WRITTEN_DEPTH_MAX {
        out.push('…');
        return;
    }
    match &expr.expr {
        Expr::Unspecified => out.push('…'),
        Expr::Struct(object) => {
            out.push_str(&object.type_name);
            out.push_str("{…}");
        }
        Expr::Ident(name) => out.push_str(name),
        Expr::Literal(literal) => out.push_str(&literal_text(literal)),
        Expr::Select(select) if select.test => {
            out.push_str("has(");
            write(&select.operand, out, depth + 1);
            out.push('.');
            out.push_str(&select.field);
            out.push(')');
        }
        Expr::Select(select) => {
            write(&select.operand, out, depth + 1);
            out.push('.');
            out.push_str(&select.field);
        }
        Expr::List(list) => {
            out.push('[');
            separated(&list.elements, out, depth);
            out.push(']');
        }
        Expr::Map(map) => {
            out.push('{');
            for (index, entry) in map.entries.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    write(&entry.key, out, depth + 1);
                    out.push_str(": ");
                    write(&entry.value, out, depth + 1);
                }
            }
            out.push('}');
        }
        Expr::Comprehension(comprehension) => {
            write(&comprehension.iter_range, out, depth + 1);
            out.push_str(&format!(".…({}, …)", comprehension.iter_var));
        }
        Expr::Call(call) => write_call(&call.func_name, call.target.as_deref(), &call.args, out, depth),
    }
}

fn write_call(name: &str, target: Option<&IdedExpr>, args: &[IdedExpr], out: &mut String, depth: usize) {
    match (name, target, args) {
        (operators::CONDITIONAL, None, [condition, yes, no]) => {
            operand(condition, out, depth);
            out.push_str(" ? ");
            operand(yes, out, depth);
            out.push_str(" : ");
            operand(no, out, depth);
        }
        (operators::INDEX, None, [of, at]) => {
            write(of, out, depth + 1);
            out.push('[');
            write(at, out, depth + 1);
            out.push(']');
        }
        (operators::LOGICAL_NOT, None, [of]) => {
            out.push('!');
            operand(of, out, depth);
        }
        (operators::NEGATE, None, [of]) => {
            out.push('-');
            operand(of, out, depth);
        }
        (operators::IN, None, [left, right]) => {
            operand(left, out, depth);
            out.push_str(" in ");
            operand(right, out, depth);
        }
        (name, None, [left, right]) if is_binary(name) => {
            operand(left, out, depth);
            out.push_str(&format!(" {} ", name.trim_matches('_')));
            operand(right, out, depth);
        }
        (name, target, args) => {
            if let Some(target) = target {
                write(target, out, depth + 1);
                out.push('.');
            }
            out.push_str(name);
            out.push('(');
            separated(args, out, depth);
            out.push(')');
        }
    }
}

fn is_binary(name: &str) -> bool {
    name.len() > 2 && name.starts_with('_') && name.ends_with('_')
}

/// In brackets when it is an operation itself.
fn operand(expr: &IdedExpr, out: &mut String, depth: usize) {
    let is_operation = matches!(&expr.expr, Expr::Call(call)
        if is_binary(&call.func_name) && call.func_name != operators::INDEX || call.func_name == operators::IN);
    if is_operation {
        out.push('(');
        write(expr, out, depth + 1);
        out.push(')');
    } else {
        write(expr, out, depth + 1);
    }
}

fn separated(exprs: &[IdedExpr], out: &mut String, depth: usize) {
    for (index, expr) in exprs.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(expr, out, depth + 1);
    }
}

fn literal_text(literal: &LiteralValue) -> String {
    match literal {
        LiteralValue::Boolean(truth) => truth.inner().to_string(),
        LiteralValue::Int(whole) => whole.inner().to_string(),
        LiteralValue::UInt(whole) => format!("{}u", whole.inner()),
        LiteralValue::Double(real) => real.inner().to_string(),
        LiteralValue::String(text) => format!("'{}'", text.inner()),
        LiteralValue::Bytes(_) => "b'…'".to_owned(),
        LiteralValue::Null => "null".to_owned(),
    }
}
