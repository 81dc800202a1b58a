//! Texts, values known when deploying, and configuration.

use pipe::catalog::{Encoding, Provider, type_text};
use pipe::ir::*;
use pipe::source::Span;
use serde_json::json;

use super::{KEYS, Maker, WORDS, node};

impl Maker {
    pub(super) fn deploy(&mut self) -> DeployValue {
        let intrinsic = |function: &str, argument| DeployValue::Intrinsic {
            function: function.to_owned(),
            argument,
        };
        match self.dice.pick(16) {
            0 => DeployValue::Ref("Project".to_owned()),
            1 => DeployValue::GetAtt("Role".to_owned(), "Arn".to_owned()),
            2 => DeployValue::Sub("${Env}".to_owned()),
            3 => DeployValue::ImportValue("stack-Export".to_owned()),
            4 => DeployValue::Ref("AWS::StackName".to_owned()),
            5 => intrinsic(
                "Fn::Join",
                json!(["-", ["a", {"Ref": "B"}, {"Fn::GetAtt": ["C", "D.E"]}]]),
            ),
            6 => intrinsic("Fn::Join", json!([",", {"Ref": "List"}])),
            7 => intrinsic("Fn::Select", json!(["1", {"Fn::Split": [":", {"Ref": "Arn"}]}])),
            8 => intrinsic("Fn::Select", json!([1, ["a", "b"]])),
            9 => intrinsic("Fn::FindInMap", json!(["Map", {"Ref": "AWS::Region"}, "Key"])),
            10 => intrinsic("Fn::Base64", json!({"Fn::Sub": "x ${Y}"})),
            11 => intrinsic(
                "Fn::If",
                json!(["Prod", {"Ref": "A"}, {"Fn::If": ["Beta", "b", {"Ref": "AWS::NoValue"}]}]),
            ),
            12 => intrinsic("Fn::Sub", json!(["${A}", {"A": {"Ref": "B"}}])),
            13 => intrinsic(
                "Fn::Join",
                json!(["", [{"Fn::GetAtt": ["A", "B"]}, {"Ref": "C", "D": true}]]),
            ),
            14 => intrinsic("Fn::ImportValue", json!({"Fn::Sub": "${Stack}-x"})),
            _ => intrinsic("Fn::GetAZs", json!("")),
        }
    }

    /// A name that a template may compute in part.
    pub(super) fn deploy_name(&mut self, plain: String) -> String {
        match self.dice.pick(12) {
            1 => format!("{}-{plain}", self.deploy()),
            2 => self.deploy().to_string(),
            _ => plain,
        }
    }

    pub(super) fn text(&mut self) -> Text {
        let mut text = Text::default();
        for _ in 0..=self.dice.pick(3) {
            match self.dice.pick(5) {
                0..=2 => text.push_str(self.dice.one::<&str>(WORDS)),
                3 => self.reference(&mut text),
                _ => text.push(TextPart::Deploy(self.deploy())),
            }
        }
        text
    }

    pub(super) fn reference(&mut self, text: &mut Text) {
        let (namespace, key) = self.dice.one(&self.references.clone()).clone();
        let origin = Span::default();
        text.push(TextPart::Variable(VariableRef { namespace, key, origin }));
    }

    /// Text where no reference is resolved.
    pub(super) fn fixed_text(&mut self) -> Text {
        let mut text = Text::literal(
            *self
                .dice
                .one(&["arn:aws:iam::111122223333:role/x", "bucket-1", "${x} \"y\""]),
        );
        if self.dice.rarely(3) {
            text.push(TextPart::Deploy(self.deploy()));
        }
        text
    }

    pub(super) fn mark_with_key(&mut self, action: &mut Action) {
        for entry in action.configuration.values_mut() {
            if self.dice.rarely(2) {
                entry.value.push_str("-KEY");
            }
        }
        for output in &mut action.outputs {
            output.name.value = format!("{}_KEY", output.name.value);
        }
    }

    /// What AWS keeps beside the configuration.
    pub(super) fn beside(&mut self, provider: &Provider) -> (Vec<Node<Text>>, Vec<EnvironmentVariable>) {
        let has = |encoding| provider.fields.iter().any(|field| field.encoding == encoding);
        let mut commands = Vec::new();
        if has(Encoding::Commands) {
            for _ in 0..1 + self.dice.pick(3) {
                let mut command = Text::literal("run ");
                command.append(self.text());
                commands.push(node(command));
            }
        }
        let mut environment = Vec::new();
        let secrets = provider
            .fields
            .iter()
            .any(|field| field.encoding == Encoding::Environment && type_text(&field.ty).contains("secret"));
        if has(Encoding::Environment) {
            for name in &["CHANNEL", "a.b", "if"][..self.dice.pick(4)] {
                let kind = match secrets && self.dice.rarely(3) {
                    true => EnvironmentKind::SecretsManager,
                    false => EnvironmentKind::Plaintext,
                };
                environment.push(EnvironmentVariable {
                    name: node((*name).to_owned()),
                    value: node(self.text()),
                    kind,
                });
            }
        }
        (commands, environment)
    }

    pub(super) fn custom_configuration(&mut self) -> Configuration {
        let mut configuration = Configuration::new();
        for _ in 0..self.dice.pick(4) {
            let key = (*self.dice.one(KEYS)).to_owned();
            configuration.insert(key, self.entry_of(None));
        }
        configuration
    }

    pub(super) fn configuration(&mut self, provider: &Provider) -> Configuration {
        let mut configuration = Configuration::new();
        for field in &provider.fields {
            if field.encoding.is_configuration() && (!field.optional || self.dice.rarely(3)) {
                let kind = match field.encoding {
                    Encoding::EnvJson => "env".to_owned(),
                    Encoding::Json => "json".to_owned(),
                    _ => type_text(&field.ty),
                };
                configuration.insert(field.key.clone(), self.entry_of(Some(&kind)));
            }
        }
        if self.dice.rarely(8) {
            configuration.insert("NewKey".to_owned(), self.entry_of(None));
        }
        configuration
    }

    pub(super) fn entry_of(&mut self, kind: Option<&str>) -> ConfigEntry {
        let is_junk = self.dice.rarely(5);
        let value = match kind.filter(|_| !is_junk) {
            Some("env") => self.environment_json(),
            Some("json") => Text::literal(*self.dice.one(&[
                "{\"A\":\"b\",\"C\":\"\\\"\"}",
                "{ \"Z\" : \"x\", \"A\" : { \"Fn::GetParam\" : [\"App\", \"f.json\", \"k\"] } }",
                "[{\"name\":\"a\",\"value\":\"b\"}]",
                "{\"A\":1}",
                "{\"A\":null}",
                "{\"A\":\"1\",\"A\":\"2\"}",
            ])),
            Some(kind) if kind.starts_with("bool") => Text::literal(*self.dice.one(&["true", "false", "True"])),
            Some(kind) if kind.starts_with("int") => Text::literal(*self.dice.one(&["1", "20", "1_0", "-3"])),
            Some(kind) if kind.starts_with("artifact") => match self.artifacts.first() {
                Some(artifact) => Text::literal(artifact.clone()),
                None => Text::literal("Nothing"),
            },
            Some(kind) if kind.starts_with("file") => {
                let artifact = self.artifacts.last().cloned().unwrap_or_else(|| "Nothing".to_owned());
                let mut text = Text::literal(format!(
                    "{artifact}::{}",
                    self.dice.one(&["t.yml", "/t.yml", "", "a \"b\""])
                ));
                if self.dice.rarely(4) {
                    self.reference(&mut text);
                }
                text
            }
            Some(kind) if kind.contains("list<") => {
                Text::literal(*self.dice.one(&["a,b", "a", "a, b", ",", "CAPABILITY_IAM"]))
            }
            _ => self.text(),
        };
        ConfigEntry {
            value,
            origin: Span::default(),
            key_origin: Span::default(),
        }
    }

    pub(super) fn environment_json(&mut self) -> Text {
        let mut text = Text::literal(*self.dice.one(&[
            "[{\"name\":\"A\",\"value\":\"b\",\"type\":\"PLAINTEXT\"}",
            "[ {\"value\":\"\\u00e9 \\\"\", \"name\":\"A\"}",
            "[{\"name\":\"T\",\"value\":\"s:t\",\"type\":\"SECRETS_MANAGER\"},{\"name\":\"P\",\"type\":\"PARAMETER_STORE\",\"value\":\"/p\"}",
            "[{\"name\":\"T\",\"value\":1}",
        ]));
        if self.dice.rarely(2) {
            text.push_str(",{\"name\":\"if\",\"value\":\"x ");
            self.reference(&mut text);
            text.push_str("\"}");
        }
        text.push_str("]");
        text
    }
}
