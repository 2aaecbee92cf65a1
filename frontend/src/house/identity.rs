//! Who the visitor is: a bidder whose secret this browser keeps, or nobody yet.
//!
//! The secret is told once, when she joins, and stays in the browser's storage. Before it is used on a wire the server is
//! asked whether it still knows it: one subscription carries all topics of the page, and a refused wallet would take the
//! others with it.

use std::rc::Rc;

use fourwire_shared::auction::{Bidder, BidderId};
use serde::{Deserialize, Serialize};
use yew::prelude::*;

use super::{api, wallet::Purse};
use crate::{
    api::Failure,
    live::{use_live, use_topics},
    storage,
};

const KEPT_AS: &str = "fourwire.bidder";

/// A bidder, and what proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Who she is.
    pub bidder: BidderId,
    /// What others see.
    pub name: String,
    /// What proves it.
    pub secret: String,
}

impl From<Bidder> for Identity {
    fn from(Bidder { bidder, name, secret, .. }: Bidder) -> Self {
        Self { bidder, name, secret }
    }
}

/// The visitor.
#[derive(Clone, PartialEq)]
pub struct Visitor {
    /// Who she is, once the server has confirmed it; `None` until then, and for somebody who has not joined.
    pub identity: Option<Rc<Identity>>,
    /// Whether it is still being found out.
    pub asking: bool,
    /// Makes her somebody: after a join, or nobody any more.
    pub become_someone: Callback<Option<Identity>>,
    /// Her money, live.
    pub purse: Purse,
}

/// The visitor, live. Once per page: it follows her wallet.
#[hook]
pub fn use_visitor() -> Visitor {
    let live = use_live();
    let kept = use_state_eq(remembered);
    let confirmed = use_state_eq(|| kept.is_none());
    let purse = use_mut_ref(Purse::default);
    {
        let (kept, confirmed) = (kept.clone(), confirmed.clone());
        use_effect_with((), move |()| {
            let Some(identity) = (*kept).clone() else { return };
            wasm_bindgen_futures::spawn_local(async move {
                if let Err(Failure::Refused(problem)) = api::wallet(&identity).await
                    && matches!(problem.status, 401 | 403 | 404)
                {
                    remember(None);
                    kept.set(None);
                }
                confirmed.set(true);
            });
        });
    }
    let identity = confirmed.then(|| (*kept).clone()).flatten();
    let topics = identity.iter().map(|identity| identity.bidder.topic()).collect();
    // Before the wallet is followed, which the effects of this render do.
    live.driver().authorize(identity.as_ref().map(|identity| identity.secret.clone()));
    let fold = {
        let purse = Rc::clone(&purse);
        Rc::new(move |applied: &_, _| purse.borrow_mut().take(applied))
    };
    use_topics(topics, fold, false);
    let become_someone = {
        let (kept, confirmed, purse) = (kept.setter(), confirmed.setter(), Rc::clone(&purse));
        Callback::from(move |identity: Option<Identity>| {
            *purse.borrow_mut() = Purse::default();
            let identity = identity.map(Rc::new);
            remember(identity.as_deref());
            kept.set(identity);
            confirmed.set(true);
        })
    };
    let purse = purse.borrow().clone();
    Visitor { asking: !*confirmed, identity, become_someone, purse }
}

fn remembered() -> Option<Rc<Identity>> {
    let kept = storage::load(KEPT_AS)?;
    serde_json::from_str(&kept).ok().map(Rc::new)
}

fn remember(identity: Option<&Identity>) {
    let text = identity.and_then(|identity| serde_json::to_string(identity).ok());
    storage::save(KEPT_AS, text.as_deref().unwrap_or_default());
}
