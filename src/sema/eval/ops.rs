//! Operators: `||`, `&&`, `==`, `!=`, `in`, and comparisons of numbers.

use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr};

use super::super::codes;
use super::super::ty::{Literal, Ty};
use super::super::value::Value;
use super::{Env, Evaluator};

impl<'p> Evaluator<'p, '_> {
    pub(super) fn eval_binary(
        &mut self,
        op: BinaryOp,
        left: &'p Expr,
        right: &'p Expr,
        env: &mut Env<'p>,
    ) -> Value<'p> {
        match op {
            BinaryOp::Or | BinaryOp::And => self.eval_logic(op, left, right, env),
            BinaryOp::Eq | BinaryOp::Ne => {
                let (a, b) = (self.eval(left, env), self.eval(right, env));
                self.equality(op, &a, &b, left.span.to(right.span))
            }
            BinaryOp::In => {
                let (needle, hay) = (self.eval(left, env), self.eval(right, env));
                self.membership(&needle, &hay, left.span, right.span)
            }
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                let (a, b) = (self.eval(left, env), self.eval(right, env));
                self.comparison(op, &a, &b, left.span.to(right.span))
            }
        }
    }

    /// The right side is looked at only if the left one leaves the answer open.
    fn eval_logic(&mut self, op: BinaryOp, left: &'p Expr, right: &'p Expr, env: &mut Env<'p>) -> Value<'p> {
        let decides = op == BinaryOp::Or;
        match self.eval_condition(left, env) {
            Some(value) if value == decides => Value::Bool(decides),
            Some(_) => self
                .eval_condition(right, env)
                .map_or(Value::Unknown(Ty::Bool), Value::Bool),
            None => match self.eval_condition(right, env) {
                Some(value) if value == decides => Value::Bool(decides),
                _ => Value::Unknown(Ty::Bool),
            },
        }
    }

    fn equality(&mut self, op: BinaryOp, a: &Value<'p>, b: &Value<'p>, span: Span) -> Value<'p> {
        if a.is_error() || b.is_error() {
            return Value::Unknown(Ty::Bool);
        }
        for side in [a, b] {
            let other_is_none = matches!(a, Value::None) || matches!(b, Value::None);
            if let Value::Text(draft) = side
                && !other_is_none
            {
                return self.too_late(draft, span, "what is compared");
            }
        }
        let comparable = matches!((a, b), (Value::None, _) | (_, Value::None))
            || widened(&a.ty()).may_fit(&widened(&b.ty()))
            || widened(&b.ty()).may_fit(&widened(&a.ty()));
        if !comparable {
            let message = format!("{} and {} can never be equal", a.described(), b.described());
            return self.fail(&codes::TYPE_MISMATCH, span, message);
        }
        match a.equals(b) {
            Some(equal) => Value::Bool(equal == (op == BinaryOp::Eq)),
            None => Value::Unknown(Ty::Bool),
        }
    }

    fn membership(&mut self, needle: &Value<'p>, hay: &Value<'p>, needle_span: Span, hay_span: Span) -> Value<'p> {
        match (needle, hay) {
            (Value::Error, _) | (_, Value::Error) => Value::Unknown(Ty::Bool),
            (Value::Text(draft), _) => self.too_late(draft, needle_span, "what is looked for"),
            (needle, Value::List(values)) => {
                let mut unsure = false;
                for value in values.iter() {
                    match needle.equals(value) {
                        Some(true) => return Value::Bool(true),
                        Some(false) => {}
                        None => unsure = true,
                    }
                }
                if unsure {
                    Value::Unknown(Ty::Bool)
                } else {
                    Value::Bool(false)
                }
            }
            (Value::Str(key), Value::Record(record)) => Value::Bool(record.contains_key(key)),
            (_, Value::Unknown(ty))
                if ty.may_fit(&Ty::list(Ty::Any)) || ty.may_fit(&Ty::map(Ty::Any)) || matches!(ty, Ty::Record(_)) =>
            {
                Value::Unknown(Ty::Bool)
            }
            (Value::Unknown(_), Value::Record(_)) => Value::Unknown(Ty::Bool),
            (_, other) => {
                let message = format!("`in` looks into a list or a map, and this is {}", other.described());
                let mut diagnostic = Diagnostic::new(&codes::TYPE_MISMATCH, hay_span, message);
                if matches!(other, Value::Str(_)) {
                    diagnostic = diagnostic.with_help("write `contains(text, part)` to look into a string");
                }
                self.emit(diagnostic)
            }
        }
    }

    fn comparison(&mut self, op: BinaryOp, a: &Value<'p>, b: &Value<'p>, span: Span) -> Value<'p> {
        let order = match (a, b) {
            (Value::Error, _) | (_, Value::Error) => return Value::Unknown(Ty::Bool),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
            (a, b) => {
                let fits = |ty: Ty| a.ty().may_fit(&ty) && b.ty().may_fit(&ty);
                if fits(Ty::INT) || fits(Ty::Duration) {
                    return Value::Unknown(Ty::Bool);
                }
                let message = format!(
                    "`{}` compares two numbers or two durations, not {} and {}",
                    op.symbol(),
                    a.described(),
                    b.described()
                );
                return self.fail(&codes::TYPE_MISMATCH, span, message);
            }
        };
        Value::Bool(match op {
            BinaryOp::Lt => order.is_lt(),
            BinaryOp::Le => order.is_le(),
            BinaryOp::Gt => order.is_gt(),
            _ => order.is_ge(),
        })
    }
}

/// A literal's type as the type it is of.
fn widened(ty: &Ty) -> Ty {
    match ty {
        Ty::Literal(Literal::Str(_)) => Ty::STRING,
        Ty::Literal(Literal::Int(_)) => Ty::INT,
        Ty::Literal(Literal::Bool(_)) => Ty::Bool,
        Ty::Optional(inner) => widened(inner),
        Ty::List(..) => Ty::list(Ty::Any),
        Ty::Record(_) | Ty::Map(..) => Ty::map(Ty::Any),
        other => other.clone(),
    }
}
