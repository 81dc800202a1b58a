//! Type expressions to types.

use std::rc::Rc;

use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{ExprKind, Ident, ItemKind, TypeExpr, TypeExprKind};

use super::super::codes;
use super::super::program::ModuleId;
use super::super::ty::{Bounds, FieldTy, Fields, Literal, Pattern, Ty};
use super::Evaluator;

/// The types of the language itself.
const BUILTIN: &[&str] = &["string", "int", "bool", "duration", "artifact", "file", "secret", "any"];

impl<'p> Evaluator<'p, '_> {
    /// The type that `ty` stands for in a file; what makes no sense is reported.
    pub fn lower_type(&mut self, ty: &TypeExpr, module: ModuleId) -> Ty {
        self.lower_within(ty, module, &mut Vec::new())
    }

    /// `within`: the type definitions being looked into, to find circles.
    fn lower_within(&mut self, ty: &TypeExpr, module: ModuleId, within: &mut Vec<(ModuleId, usize)>) -> Ty {
        match &ty.kind {
            TypeExprKind::Name(path) => self.lower_name(path, ty, module, within),
            TypeExprKind::List(of) => Ty::list(self.lower_within(of, module, within)),
            TypeExprKind::Map(of) => Ty::map(self.lower_within(of, module, within)),
            TypeExprKind::Record(fields) => {
                let mut lowered = Fields::with_capacity(fields.len());
                for field in fields {
                    if lowered.contains_key(&field.name.text) {
                        let message = format!("the field `{}` is declared twice", field.name.text);
                        self.fail(&codes::DUPLICATE_NAME, field.name.span, message);
                        continue;
                    }
                    let ty = self.lower_within(&field.ty, module, within);
                    let ty = if field.optional { Ty::optional(ty) } else { ty };
                    lowered.insert(field.name.text.clone(), FieldTy::new(ty));
                }
                Ty::Record(lowered.into())
            }
            TypeExprKind::Literal(literal) => match &literal.kind {
                ExprKind::Str(text) => match text.as_text() {
                    Some(text) => Ty::Literal(Literal::Str(text.to_owned())),
                    None => {
                        let message = "a type cannot hold a `${…}`";
                        self.fail(&codes::INVALID_TYPE, literal.span, message);
                        Ty::Error
                    }
                },
                ExprKind::Int(number) => Ty::Literal(Literal::Int(*number)),
                ExprKind::Bool(value) => Ty::Literal(Literal::Bool(*value)),
                _ => Ty::Error,
            },
            TypeExprKind::Union(members) => {
                let members: Vec<Ty> = members
                    .iter()
                    .map(|member| self.lower_within(member, module, within))
                    .collect();
                if members.contains(&Ty::Error) {
                    Ty::Error
                } else {
                    Ty::Union(members.into())
                }
            }
            TypeExprKind::Optional(inner) => Ty::optional(self.lower_within(inner, module, within)),
            TypeExprKind::Range { base, low, high } => {
                let bounds = Bounds::new(*low, *high);
                if let (Some(low), Some(high)) = (low, high)
                    && low > high
                {
                    // Reported when it was parsed.
                    return Ty::Error;
                }
                match self.lower_within(base, module, within) {
                    Ty::String(_, pattern) => Ty::String(bounds, pattern),
                    Ty::Int(_) => Ty::Int(bounds),
                    Ty::List(of, _) => Ty::List(of, bounds),
                    Ty::Map(of, _) => Ty::Map(of, bounds),
                    Ty::Error => Ty::Error,
                    other => {
                        let message = format!("`{other}` cannot have bounds");
                        let help = "bounds go with `string`, `int`, `list<…>` and `map<…>`";
                        self.emit(Diagnostic::new(&codes::INVALID_TYPE, ty.span, message).with_help(help));
                        Ty::Error
                    }
                }
            }
            TypeExprKind::Pattern { base, pattern } => match self.lower_within(base, module, within) {
                Ty::String(bounds, _) => Ty::String(bounds, Some(Rc::new(Pattern::new(pattern.as_str())))),
                Ty::Error => Ty::Error,
                other => {
                    self.fail(
                        &codes::INVALID_TYPE,
                        ty.span,
                        format!("only a `string` can have a pattern, not `{other}`"),
                    );
                    Ty::Error
                }
            },
            TypeExprKind::Paren(inner) => self.lower_within(inner, module, within),
            TypeExprKind::Error => Ty::Error,
        }
    }

    fn lower_name(
        &mut self,
        path: &[Ident],
        ty: &TypeExpr,
        module: ModuleId,
        within: &mut Vec<(ModuleId, usize)>,
    ) -> Ty {
        let (home, name) = match path {
            [name] => {
                if let Some(ty) = builtin(&name.text) {
                    return ty;
                }
                (Some(module), name)
            }
            [file, name] => match self
                .program
                .modules
                .get(module.0)
                .and_then(|found| found.imports.get(&file.text))
            {
                Some(Some(target)) => (Some(*target), name),
                Some(None) => return Ty::Error,
                None => {
                    self.fail(
                        &codes::UNKNOWN_NAME,
                        file.span,
                        format!("nothing is imported as `{}`", file.text),
                    );
                    return Ty::Error;
                }
            },
            _ => return Ty::Error,
        };
        let found = home.and_then(|home| {
            let index = *self.program.modules.get(home.0)?.items.get(&name.text)?;
            Some((home, index))
        });
        let Some((home, index)) = found else {
            return self.unknown_type(name, home);
        };
        let ItemKind::Type(def) = &self.program.module(home).ast.items[index].kind else {
            self.fail(
                &codes::UNKNOWN_TYPE,
                name.span,
                format!("`{}` is not a type", name.text),
            );
            return Ty::Error;
        };
        if within.contains(&(home, index)) {
            self.fail(
                &codes::RECURSIVE_DEFINITION,
                ty.span,
                format!("the type `{}` contains itself", name.text),
            );
            return Ty::Error;
        }
        within.push((home, index));
        let lowered = self.lower_within(&def.ty, home, within);
        within.pop();
        lowered
    }

    fn unknown_type(&mut self, name: &Ident, home: Option<ModuleId>) -> Ty {
        let module = home.and_then(|home| self.program.modules.get(home.0));
        let types = module
            .into_iter()
            .flat_map(|module| &module.ast.items)
            .filter_map(|item| match &item.kind {
                ItemKind::Type(def) => Some(def.name.text.as_str()),
                _ => None,
            });
        let mut diagnostic = Diagnostic::new(
            &codes::UNKNOWN_TYPE,
            name.span,
            format!("cannot find the type `{}`", name.text),
        );
        diagnostic.help = self
            .diags
            .did_you_mean(&name.text, types.chain(BUILTIN.iter().copied()));
        self.emit(diagnostic);
        Ty::Error
    }
}

fn builtin(name: &str) -> Option<Ty> {
    Some(match name {
        "string" => Ty::STRING,
        "int" => Ty::INT,
        "bool" => Ty::Bool,
        "duration" => Ty::Duration,
        "artifact" => Ty::Artifact,
        "file" => Ty::File,
        "secret" => Ty::Secret,
        "any" => Ty::Any,
        _ => return None,
    })
}
