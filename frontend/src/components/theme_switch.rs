//! System, light or dark.

use yew::prelude::*;

use super::Icon;
use crate::theme::Theme;

/// Three radios; arrow keys and names come from the platform.
#[hook]
pub fn use_theme_switch() -> Html {
    let chosen = use_state_eq(Theme::remembered);
    let option = |theme: Theme| {
        let onchange = {
            let chosen = chosen.clone();
            Callback::from(move |_: Event| {
                theme.apply();
                chosen.set(theme);
            })
        };
        let icon = match theme {
            Theme::System => Icon::System,
            Theme::Light => Icon::Light,
            Theme::Dark => Icon::Dark,
        };
        html! {
            <label class="segment" title={format!("{} theme", theme.label())} key={theme.as_str()}>
                <input type="radio" name="theme" value={theme.as_str()} checked={*chosen == theme} {onchange} />
                { icon.view() }
                <span class="visually-hidden">{ theme.label() }</span>
            </label>
        }
    };
    html! {
        <fieldset class="segments theme-switch">
            <legend class="visually-hidden">{ "Theme" }</legend>
            { for Theme::ALL.map(option) }
        </fieldset>
    }
}
