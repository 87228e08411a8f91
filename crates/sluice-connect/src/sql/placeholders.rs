//! The names in a query (`:version`), found where they are names and made into what each database calls parameters.

use crate::web::trouble;
use sluice_engine::port::source::Trouble;

/// What a query may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Parameter {
    Version,
    Service,
    Environment,
    From,
    Until,
}

/// Of which database the language is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    MySql,
    Sqlite,
}

/// A query with parameters where names were.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) text: String,
    /// The parameters in the order of their numbers.
    pub(super) parameters: Vec<Parameter>,
}

impl Parameter {
    fn named(name: &str) -> Option<Parameter> {
        match name {
            "version" => Some(Parameter::Version),
            "service" => Some(Parameter::Service),
            "environment" => Some(Parameter::Environment),
            "from" => Some(Parameter::From),
            "until" => Some(Parameter::Until),
            _ => None,
        }
    }
}

impl Query {
    /// Reads a query as somebody wrote it.
    ///
    /// # Errors
    /// When it names something unknown, is several queries, or a text or comment in it does not end.
    pub(super) fn read(text: &str, dialect: Dialect) -> Result<Query, Trouble> {
        let mut query = Query { text: String::with_capacity(text.len()), parameters: Vec::new() };
        let mut rest = text;
        let mut has_ended = false;
        while let Some(first) = rest.chars().next() {
            let length = match skipped(rest, &query.text, dialect)? {
                Some(length) => length,
                None if first == ':' => {
                    if let Some((parameter, length)) = parameter(rest, &query.text)? {
                        query.push(parameter, dialect);
                        rest = &rest[length..];
                        continue;
                    }
                    // A cast is taken whole, so that its second colon begins no name.
                    if rest.starts_with("::") { 2 } else { 1 }
                }
                None if first == '?' && dialect != Dialect::Postgres => {
                    return Err(trouble(
                        "the query has a `?`; name what is meant: `:version`, `:from`, `:until`",
                    ));
                }
                None => first.len_utf8(),
            };
            let is_gap = first.is_whitespace() || rest.starts_with("--") || rest.starts_with("/*");
            if has_ended && !is_gap && first != ';' {
                return Err(trouble("the query has a `;` in the middle; it must be one query"));
            }
            if first == ';' {
                has_ended = true;
            } else {
                query.text.push_str(&rest[..length]);
            }
            rest = &rest[length..];
        }
        Ok(query)
    }

    /// Whether it asks for this.
    pub(super) fn names(&self, parameter: Parameter) -> bool {
        self.parameters.contains(&parameter)
    }

    fn push(&mut self, parameter: Parameter, dialect: Dialect) {
        if dialect == Dialect::MySql {
            self.parameters.push(parameter);
            self.text.push('?');
            return;
        }
        let place = self.parameters.iter().position(|known| *known == parameter).unwrap_or_else(|| {
            self.parameters.push(parameter);
            self.parameters.len() - 1
        });
        let sign = if dialect == Dialect::Postgres { '$' } else { '?' };
        self.text.push_str(&format!("{sign}{}", place + 1));
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The parameter that `rest` begins with, a colon, and how long its name is with it. None where the colon is a cast, an
/// assignment, or between the bounds of a slice.
fn parameter(rest: &str, before: &str) -> Result<Option<(Parameter, usize)>, Trouble> {
    let after = &rest[1..];
    let length = after.find(|c| !is_word(c)).unwrap_or(after.len());
    let name = &after[..length];
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return Ok(None);
    }
    match Parameter::named(name) {
        Some(parameter) => Ok(Some((parameter, length + 1))),
        None if before.ends_with(|c| is_word(c) || c == ']' || c == ')') => Ok(None),
        None => Err(trouble(format!(
            "the query names `:{name}`; known are :version, :service, :environment, :from and :until"
        ))),
    }
}

/// How long the text, quoted name or comment is that `rest` begins with, in which nothing is a name.
fn skipped(rest: &str, before: &str, dialect: Dialect) -> Result<Option<usize>, Trouble> {
    let endless = |what: &str| trouble(format!("{what} in the query does not end"));
    let first = rest.chars().next().unwrap_or_default();
    match first {
        '\'' | '"' | '`' if first != '`' || dialect != Dialect::Postgres => {
            let mut tail = before.chars().rev();
            let is_escape_text = matches!(tail.next(), Some('e' | 'E')) && !tail.next().is_some_and(is_word);
            let has_escapes = match dialect {
                Dialect::Postgres => first == '\'' && is_escape_text,
                Dialect::MySql => first != '`',
                Dialect::Sqlite => false,
            };
            quoted(rest, first, has_escapes).map(Some).ok_or_else(|| endless("a text or a quoted name"))
        }
        '-' if rest.starts_with("--") => Ok(Some(line(rest))),
        '#' if dialect == Dialect::MySql => Ok(Some(line(rest))),
        '/' if rest.starts_with("/*") => {
            comment(rest, dialect == Dialect::Postgres).map(Some).ok_or_else(|| endless("a comment"))
        }
        '$' if dialect == Dialect::Postgres && !before.ends_with(is_word) => {
            let Some(tag) = rest[1..].find(|c| !is_word(c)).filter(|at| rest[1 + at..].starts_with('$'))
            else {
                return Ok(None);
            };
            // `$1$` is no beginning of a text.
            if rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
                return Ok(None);
            }
            let fence = &rest[..tag + 2];
            let end = rest[fence.len()..].find(fence).ok_or_else(|| endless("a text"))?;
            Ok(Some(end + 2 * fence.len()))
        }
        _ => Ok(None),
    }
}

/// Until behind the closing quote; two quotes are one within the text.
fn quoted(rest: &str, quote: char, has_escapes: bool) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if has_escapes && c == '\\' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                return Some(at + c.len_utf8());
            }
        }
    }
    None
}

fn line(rest: &str) -> usize {
    rest.find('\n').map_or(rest.len(), |end| end + 1)
}

fn comment(rest: &str, is_nested: bool) -> Option<usize> {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let end = rest[at..].find("*/")? + at;
        let inner = rest[at..].find("/*").map(|inner| inner + at).filter(|inner| is_nested && *inner < end);
        match inner {
            Some(inner) => (at, depth) = (inner + 2, depth + 1),
            None => (at, depth) = (end + 2, depth - 1),
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(query: &str, dialect: Dialect) -> String {
        Query::read(query, dialect).unwrap().text
    }

    #[test]
    fn names_become_numbers_and_the_same_name_the_same_number() {
        let query = Query::read("select :version, :from where v = :version", Dialect::Postgres).unwrap();
        assert_eq!(query.text, "select $1, $2 where v = $1");
        assert_eq!(query.parameters, [Parameter::Version, Parameter::From]);
        assert_eq!(text("select :version, :from, :version", Dialect::Sqlite), "select ?1, ?2, ?1");
        let query = Query::read("select :version, :version", Dialect::MySql).unwrap();
        assert_eq!((query.text.as_str(), query.parameters.len()), ("select ?, ?", 2));
    }

    #[test]
    fn nothing_is_a_name_within_texts_comments_and_casts() {
        for same in [
            "select ':version', 'it''s :from', \":until\"",
            "select 1::int, a::text, '{1,2}'::int[]",
            "select 1 -- :version\n, 2 /* :from /* nested :until */ :version */",
            "select $$ :version $$, $q$ :from $$ :until $q$",
            "select E'\\':version', e'a\\\\'",
            "select a[1:n], a[lower(b):upper]",
        ] {
            assert_eq!(text(same, Dialect::Postgres), same);
        }
        assert_eq!(text("select E'\\\\', :from", Dialect::Postgres), "select E'\\\\', $1");
        assert_eq!(text("select type'\\', :from", Dialect::Postgres), "select type'\\', $1");
        assert_eq!(text("select :version::text", Dialect::Postgres), "select $1::text");
        assert_eq!(
            text("select '\\':version', `:from` # :until", Dialect::MySql),
            "select '\\':version', `:from` # :until"
        );
        let one_text = "select '\\', :version, '";
        assert_eq!(text(one_text, Dialect::MySql), one_text);
        assert_eq!(text("select '\\', :from", Dialect::Sqlite), "select '\\', ?1");
    }

    #[test]
    fn what_cannot_be_one_query_is_refused() {
        let why = |query: &str| Query::read(query, Dialect::Postgres).unwrap_err().why;
        assert!(why("select :verison").contains("`:verison`"));
        assert!(why("select 1; drop table orders").contains("one query"));
        assert!(why("select 'a").contains("does not end"));
        assert!(why("select /* a").contains("does not end"));
        assert!(why("select $a$ 1").contains("does not end"));
        assert_eq!(text("select 1; -- done\n ;", Dialect::Postgres), "select 1 -- done\n ");
        assert!(Query::read("select ?", Dialect::MySql).unwrap_err().why.contains("`?`"));
        assert_eq!(text("select a ? 'b'", Dialect::Postgres), "select a ? 'b'");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(query in r#"(:version|:from|'|"|`|\$a?\$|--|/\*|\*/|::?|;|\\|\n|E|é|[a-z ]){0,40}"#) {
            for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
                let _read = Query::read(&query, dialect);
            }
        }
    }
}
