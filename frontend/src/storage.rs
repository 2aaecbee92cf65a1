//! What the app remembers between visits. Storage may be denied (private mode, policy, quota): then nothing is kept,
//! and nothing fails.

/// The remembered value of `key`.
pub fn load(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

/// Remembers `value` under `key`, if the browser lets us.
pub fn save(key: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(key, value);
    }
}

fn storage() -> Option<web_sys::Storage> {
    crate::window().local_storage().ok().flatten()
}
