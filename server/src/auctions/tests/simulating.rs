//! The simulated house: off unless asked for, labelled, and sound like everything else.

use std::time::Duration;

use fourwire_shared::{After, Wire, auction::SimulationSpec};

use super::*;

#[tokio::test]
async fn it_lives_while_it_is_asked_for_and_is_labelled() {
    let site = Site::with(None, |settings| settings.simulation_lease = Duration::from_secs(60)).await;
    assert_eq!(site.auctions.simulation().bids_per_second, 0);
    let list = ["auctions".parse().expect("a topic")];
    let mut subscription = site.log.subscribe(&list, &After::Now, Wire::Sse);
    let told = site.auctions.simulate(SimulationSpec { bids_per_second: 50 }).await.expect("a simulation");
    assert_eq!(told.bids_per_second, 50);
    while site.auctions.stats().accepted < 5 {
        subscription.ready().await;
        subscription.next().await.expect("readable");
    }
    let lots = site.auctions.lots(super::super::reading::State::Open, None, 50).await.expect("lots").lots;
    assert!(lots.iter().all(|lot| lot.simulated && lot.seller.name.contains("simulated")));
    site.auctions.rest();
    assert_eq!(site.auctions.simulation().bids_per_second, 0);
    site.is_sound().await;
    drop(subscription);
    site.restart().await.is_sound().await;
}

#[tokio::test]
async fn a_rate_is_bounded() {
    let site = Site::new().await;
    for rate in [0, 51, u32::MAX] {
        let refused = site.auctions.simulate(SimulationSpec { bids_per_second: rate }).await;
        assert!(matches!(refused, Err(AuctionError::BadSpec(_))), "{rate}");
    }
}
