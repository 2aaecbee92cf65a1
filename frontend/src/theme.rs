//! Light, dark, or as the system has it. `boot.js` applies the remembered choice before the first paint; this module
//! changes it. The choice is `data-theme` on `<html>`, absent for "system"; the style sheets do the rest.

use crate::storage;

/// The key that `boot.js` reads too.
const KEY: &str = "fourwire.theme";

/// What the user chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// All choices, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The choice as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The choice in words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// The choice with this stored name; "system" for any other text.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.as_str() == name).unwrap_or_default()
    }

    /// The remembered choice.
    pub fn remembered() -> Self {
        storage::load(KEY).map_or(Self::System, |name| Self::named(&name))
    }

    /// Shows the page in this theme, and remembers it.
    pub fn apply(self) {
        storage::save(KEY, self.as_str());
        let Some(html) = crate::document().document_element() else { return };
        let _ = match self {
            Self::System => html.remove_attribute("data-theme"),
            Self::Light | Self::Dark => html.set_attribute("data-theme", self.as_str()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_survives_its_name_and_an_unknown_name_is_the_system() {
        for theme in Theme::ALL {
            assert_eq!(Theme::named(theme.as_str()), theme);
        }
        assert_eq!(Theme::named("sepia"), Theme::System);
    }
}
