//! What an attribute is: its name, type and rules (RFC 7643 §7), as constants.

/// The type of an attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A moment.
    DateTime,
    /// The address of another resource.
    Reference,
    /// An object of sub-attributes.
    Complex,
    /// Bytes in base64.
    Binary,
}

impl Type {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::DateTime => "dateTime",
            Self::Reference => "reference",
            Self::Complex => "complex",
            Self::Binary => "binary",
        }
    }
}

/// Who may write an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// The server alone.
    ReadOnly,
    /// The client.
    ReadWrite,
    /// The client, once.
    Immutable,
}

impl Mutability {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::ReadWrite => "readWrite",
            Self::Immutable => "immutable",
        }
    }
}

/// An attribute or sub-attribute of a schema.
#[expect(clippy::struct_excessive_bools, reason = "the standard has that many")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name in the standard's case.
    pub name: &'static str,
    /// The type of its value, or of each of its values.
    pub kind: Type,
    /// What it is for.
    pub description: &'static str,
    /// Whether it is a list.
    pub multi: bool,
    /// Whether a resource can't be without it.
    pub required: bool,
    /// Whether every resource has it: who leaves it out at first gets what is usual, and nobody takes it away.
    pub inherent: bool,
    /// Whether the case of its letters matters.
    pub exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// Whether every answer has it, whatever was asked for.
    pub always: bool,
    /// Whether no two resources of an organization have the same.
    pub unique: bool,
    /// The only, or the usual, values.
    pub values: &'static [&'static str],
    /// What a reference leads to.
    pub leads_to: &'static [&'static str],
    /// The parts of a complex attribute.
    pub parts: &'static [Self],
}

impl Attribute {
    const fn new(name: &'static str, kind: Type, description: &'static str) -> Self {
        Self {
            name,
            kind,
            description,
            multi: false,
            required: false,
            inherent: false,
            exact: false,
            mutability: Mutability::ReadWrite,
            always: false,
            unique: false,
            values: &[],
            leads_to: &[],
            parts: &[],
        }
    }

    pub(super) const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::String, description)
    }

    pub(super) const fn flag(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::Boolean, description)
    }

    pub(super) const fn moment(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::DateTime, description)
    }

    pub(super) const fn bytes(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::Binary, description).exact()
    }

    pub(super) const fn link(
        name: &'static str,
        to: &'static [&'static str],
        description: &'static str,
    ) -> Self {
        let mut link = Self::new(name, Type::Reference, description).exact();
        link.leads_to = to;
        link
    }

    pub(super) const fn complex(
        name: &'static str,
        parts: &'static [Self],
        description: &'static str,
    ) -> Self {
        let mut complex = Self::new(name, Type::Complex, description);
        complex.parts = parts;
        complex
    }

    pub(super) const fn many(mut self) -> Self {
        self.multi = true;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn inherent(mut self) -> Self {
        self.inherent = true;
        self
    }

    pub(super) const fn exact(mut self) -> Self {
        self.exact = true;
        self
    }

    pub(super) const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    pub(super) const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    pub(super) const fn always(mut self) -> Self {
        self.always = true;
        self
    }

    pub(super) const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    pub(super) const fn of(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    /// The part of this name, in any case.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&'static Self> {
        self.parts
            .iter()
            .find(|part| part.name.eq_ignore_ascii_case(name))
    }

    /// Whether only the server writes it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }
}
