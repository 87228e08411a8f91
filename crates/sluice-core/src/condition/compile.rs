//! From a rule as it was read to one that can be evaluated, refusing what could never mean anything.

mod call;

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr as Tree, IdedExpr, LiteralValue, SelectExpr, operators,
};

use super::error::ConditionError;
use super::program::{Expr, Fact, Quantifier, Source, Value};
use super::syntax::written;
use super::types::{Scope, Type, fields_of};
use crate::Name;
use crate::document::problem::nearest;

/// A part of a rule, and what it is.
type Typed = (Expr, Type);

/// How many parts may lie in each other, those of a chain `1 + 1 + 1` too (`&&` and `||` are read as balanced trees):
/// compiling and evaluating call themselves.
const DEPTH_MAX: usize = 40;

/// Compiles a rule; also what it names.
pub(super) fn compile(tree: &IdedExpr, scope: Scope) -> Result<(Expr, Named), ConditionError> {
    let mut compiler = Compiler { scope, variables: Vec::new(), named: Named::default(), depth: 0 };
    let rule = compiler.truth(tree)?;
    Ok((rule, compiler.named))
}

/// What a rule names that is somewhere else.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Attributes of visitors, without `id`.
    pub(super) attributes: BTreeSet<String>,
    /// Lists that the gateway keeps.
    pub(super) lists: BTreeSet<Name>,
}

struct Compiler {
    scope: Scope,
    /// Those of `exists` and `all`, outermost first.
    variables: Vec<(String, Type)>,
    named: Named,
    depth: usize,
}

fn wrong(why: impl Into<String>) -> ConditionError {
    ConditionError::new(why)
}

impl Compiler {
    /// A part that must be true or false.
    fn truth(&mut self, tree: &IdedExpr) -> Result<Expr, ConditionError> {
        let (expr, is) = self.part(tree)?;
        if is.is_bool() {
            return Ok(expr);
        }
        let text = written(tree);
        let error = wrong(format!("`{text}` is {is}, where true or false is needed"));
        Err(match is {
            Type::MaybeText | Type::Text if !is_literal(tree) => {
                error.mend_by(format!("write `{text} == 'true'`, or what it should be"))
            }
            _ => error,
        })
    }

    fn part(&mut self, tree: &IdedExpr) -> Result<Typed, ConditionError> {
        if self.depth >= DEPTH_MAX {
            return Err(wrong(format!("parts of the rule lie more than {DEPTH_MAX} deep in each other")));
        }
        self.depth += 1;
        let typed = match &tree.expr {
            Tree::Literal(literal) => self.literal(literal, tree),
            Tree::Ident(name) => self.ident(name),
            Tree::Select(select) => self.select(select, tree),
            Tree::Call(call) => self.call(call, tree),
            Tree::List(list) => self.list(&list.elements),
            Tree::Map(map) => self.map(map.entries.iter().map(|entry| &entry.expr)),
            Tree::Comprehension(comprehension) => self.quantified(comprehension),
            Tree::Struct(_) => {
                Err(wrong(format!("`{}` makes an object, which a rule has no use for", written(tree))))
            }
            Tree::Unspecified => Err(wrong("a part of the rule is missing")),
        };
        self.depth -= 1;
        typed
    }

    fn literal(&self, literal: &LiteralValue, tree: &IdedExpr) -> Result<Typed, ConditionError> {
        let (value, is) = match literal {
            LiteralValue::Null => (Value::Null, Type::Null),
            LiteralValue::Boolean(truth) => (Value::Bool(*truth.inner()), Type::Bool),
            LiteralValue::Int(whole) => (Value::Int(*whole.inner()), Type::Int),
            LiteralValue::Double(real) => (Value::Double(*real.inner()), Type::Double),
            LiteralValue::String(text) => (Value::Text(text.inner().to_owned().into()), Type::Text),
            LiteralValue::UInt(whole) => {
                let error = wrong(format!("`{}`: rules know whole numbers without the `u`", written(tree)));
                return Err(error.mend_by(format!("write `{}`", whole.inner())));
            }
            LiteralValue::Bytes(_) => {
                return Err(wrong("rules know no bytes").mend_by("leave out the `b` before the quotes"));
            }
        };
        Ok((Expr::Constant(value), is))
    }

    fn variable(&self, name: &str) -> Option<(usize, &Type)> {
        self.variables
            .iter()
            .enumerate()
            .rev()
            .find(|(_, (known, _))| known == name)
            .map(|(at, (_, is))| (at, is))
    }

    fn ident(&self, name: &str) -> Result<Typed, ConditionError> {
        if let Some((index, is)) = self.variable(name) {
            return Ok((Expr::Variable(index), is.clone()));
        }
        let roots = self.scope.roots();
        if roots.contains(&name) {
            let error = wrong(format!("`{name}` is nothing by itself; a rule asks for one thing of it"));
            return Err(match fields_of(name).first() {
                Some(field) => error.mend_by(format!("as in `{name}.{field}`")),
                None => error.mend_by("as in `visitor.plan`, where the service says what `plan` is"),
            });
        }
        let error = wrong(format!("`{name}` does not exist; this rule knows {}", listed(roots)));
        Err(match nearest(name, roots) {
            Some(near) => error.mend_by(format!("did you mean `{near}`?")),
            None => error.mend_by(format!("text goes in quotes: '{name}'")),
        })
    }

    /// The root that a tree is, unless a variable hides it.
    fn root<'t>(&self, tree: &'t IdedExpr) -> Option<&'t str> {
        match &tree.expr {
            Tree::Ident(name)
                if self.variable(name).is_none() && self.scope.roots().contains(&name.as_str()) =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// What is looked up by name, when that is what a tree is.
    fn source(&self, tree: &IdedExpr) -> Option<Source> {
        if let Some(root) = self.root(tree) {
            return (root == "visitor").then_some(Source::Attributes);
        }
        let Tree::Select(select) = &tree.expr else { return None };
        match (self.root(&select.operand)?, select.field.as_str()) {
            ("request", "headers") => Some(Source::Headers),
            ("request", "cookies") => Some(Source::Cookies),
            ("request", "query") => Some(Source::Query),
            ("service", "labels") => Some(Source::ServiceLabels),
            ("change", "labels") => Some(Source::ChangeLabels),
            _ => None,
        }
    }

    fn select(&mut self, select: &SelectExpr, tree: &IdedExpr) -> Result<Typed, ConditionError> {
        if let Some(source) = self.source(&select.operand) {
            let name = self.known_name(source, &select.field);
            return Ok(if select.test {
                let name = Expr::Constant(Value::Text(name.into()));
                (Expr::Holds(source, Box::new(name)), Type::Bool)
            } else {
                (Expr::Named(source, name), Type::MaybeText)
            });
        }
        if let Some(root) = self.root(&select.operand) {
            let (fact, is) = self.fact(root, &select.field, tree)?;
            return Ok(match is {
                is if !select.test => (fact, is),
                Type::MaybeText => {
                    let null = Expr::Constant(Value::Null);
                    (Expr::Not(Box::new(Expr::Equal(Box::new(fact), Box::new(null)))), Type::Bool)
                }
                _ => (Expr::Constant(Value::Bool(true)), Type::Bool),
            });
        }
        let (of, is) = self.part(&select.operand)?;
        match is {
            Type::Map(_) if select.test => Ok((Expr::HasKey(Box::new(of), select.field.clone()), Type::Bool)),
            Type::Map(is) => {
                let key = Expr::Constant(Value::Text(select.field.clone().into()));
                Ok((Expr::Index(Box::new(of), Box::new(key)), *is))
            }
            is => {
                let of = written(&select.operand);
                Err(wrong(format!("`{of}` is {is}, which has no `{}`", select.field)))
            }
        }
    }

    /// A single thing that a root has.
    fn fact(&self, root: &str, field: &str, tree: &IdedExpr) -> Result<Typed, ConditionError> {
        let fact = match (root, field) {
            ("request", "method") => Fact::Method,
            ("request", "host") => Fact::Host,
            ("request", "path") => Fact::Path,
            ("request", "scheme") => Fact::Scheme,
            ("request", "address") => Fact::Address,
            ("request", "country") => Fact::Country,
            ("request", "browser") => Fact::Browser,
            ("request", "system") => Fact::System,
            ("request", "device") => Fact::Device,
            ("change", "level") => Fact::ChangeLevel,
            ("change", "from") => Fact::ChangeFrom,
            ("change", "to") => Fact::ChangeTo,
            ("change", "commit") => Fact::ChangeCommit,
            ("change", "image") => Fact::ChangeImage,
            ("change", "configOnly") => Fact::ChangeConfigOnly,
            ("service", "name") => Fact::ServiceName,
            ("environment", "name") => Fact::EnvironmentName,
            ("request", "headers" | "cookies" | "query") | ("service" | "change", "labels") => {
                let text = written(tree);
                let error = wrong(format!("`{text}` can only be asked for one name, not as a whole"));
                return Err(error.mend_by(format!("as in `{text}['name']`, or `'name' in {text}`")));
            }
            _ => {
                let fields = fields_of(root);
                let error =
                    wrong(format!("`{root}.{field}` does not exist; `{root}` has {}", fields.join(", ")));
                return Err(match nearest(field, fields) {
                    Some(near) => error.mend_by(format!("did you mean `{root}.{near}`?")),
                    None if root == "request" => error.mend_by(format!(
                        "for a header write `request.headers['{field}']`; for an attribute of the visitor, `visitor.{field}`"
                    )),
                    None => error,
                });
            }
        };
        let is = match fact {
            Fact::ChangeCommit | Fact::ChangeImage => Type::MaybeText,
            Fact::Address | Fact::Country | Fact::Browser | Fact::System | Fact::Device => Type::MaybeText,
            Fact::ChangeConfigOnly => Type::Bool,
            _ => Type::Text,
        };
        Ok((Expr::Fact(fact), is))
    }

    /// A name that the rule spells out. Headers are told apart without regard to capitals.
    fn known_name(&mut self, source: Source, name: &str) -> String {
        match source {
            Source::Headers => name.to_ascii_lowercase(),
            Source::Attributes if name != "id" => {
                self.named.attributes.insert(name.to_owned());
                name.to_owned()
            }
            _ => name.to_owned(),
        }
    }

    fn list(&mut self, elements: &[IdedExpr]) -> Result<Typed, ConditionError> {
        let mut items = Vec::with_capacity(elements.len());
        let mut is: Option<Type> = None;
        for element in elements {
            let (item, item_is) = self.part(element)?;
            items.push(item);
            is = Some(match is {
                None => item_is,
                Some(is) => is.or(item_is),
            });
        }
        let is = Type::List(Box::new(is.unwrap_or(Type::Any)));
        let constants: Option<Vec<Value<'static>>> = items
            .iter()
            .map(|item| match item {
                Expr::Constant(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        Ok(match constants {
            Some(constants) => (Expr::Constant(Value::List(constants.into())), is),
            None => (Expr::List(items), is),
        })
    }

    fn map<'t>(&mut self, entries: impl Iterator<Item = &'t EntryExpr>) -> Result<Typed, ConditionError> {
        let mut values: BTreeMap<String, Expr> = BTreeMap::new();
        let mut is: Option<Type> = None;
        for entry in entries {
            let EntryExpr::MapEntry(entry) = entry else { return Err(wrong("rules know no objects")) };
            let Tree::Literal(LiteralValue::String(key)) = &entry.key.expr else {
                let error = wrong(format!("`{}` cannot be a key of a map", written(&entry.key)));
                return Err(error.mend_by("write keys as text in quotes"));
            };
            let (value, value_is) = self.part(&entry.value)?;
            if values.insert(key.inner().to_owned(), value).is_some() {
                return Err(wrong(format!("the key '{}' stands twice in a map", key.inner())));
            }
            is = Some(match is {
                None => value_is,
                Some(is) => is.or(value_is),
            });
        }
        let is = Type::Map(Box::new(is.unwrap_or(Type::Any)));
        Ok((Expr::Map(values.into_iter().collect()), is))
    }

    /// `list.exists(x, rule)` and `list.all(x, rule)`, which the parser has written out as loops.
    fn quantified(&mut self, comprehension: &ComprehensionExpr) -> Result<Typed, ConditionError> {
        let (quantifier, rule) = match &comprehension.loop_step.expr {
            Tree::Call(CallExpr { func_name, args, target: None }) => {
                match (func_name.as_str(), args.as_slice()) {
                    (operators::LOGICAL_OR, [_, rule]) => (Quantifier::Exists, rule),
                    (operators::LOGICAL_AND, [_, rule]) => (Quantifier::All, rule),
                    _ => return Err(only_exists_and_all()),
                }
            }
            _ => return Err(only_exists_and_all()),
        };
        let name = &comprehension.iter_var;
        let (list, is) = self.part(&comprehension.iter_range)?;
        let item = match is {
            Type::List(item) => *item,
            Type::Any => Type::Any,
            is => {
                let of = written(&comprehension.iter_range);
                return Err(wrong(format!("`{of}` is {is}; `exists` and `all` go through a list")));
            }
        };
        self.variables.push((name.clone(), item));
        let rule = self.truth(rule);
        self.variables.pop();
        Ok((Expr::Quantified(quantifier, Box::new(list), Box::new(rule?)), Type::Bool))
    }
}

/// As in "`change`, `service` and `environment`".
fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// Whether a part is written out, so that nobody would compare it with anything.
fn is_literal(tree: &IdedExpr) -> bool {
    matches!(tree.expr, Tree::Literal(_))
}

fn only_exists_and_all() -> ConditionError {
    wrong("of the loops, a rule knows `exists` and `all`")
        .mend_by("as in `['NL', 'BE'].exists(c, visitor.country == c)`")
}
