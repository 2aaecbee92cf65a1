//! The picture of a lot: shapes that follow from its seed, the same in every browser. Generated, so it belongs to nobody.

use yew::prelude::*;

/// Columns and rows of the picture.
const SIDE: u32 = 4;
/// The side of a tile.
const TILE: u32 = 40;

/// A tile: what stands in it, in which of three colours, turned by how many quarters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tile {
    shape: usize,
    colour: usize,
    turns: u32,
    mirrored: bool,
}

/// Shapes within a tile of [`TILE`] units.
const SHAPES: [&str; 6] = [
    "M0 0h40v40z",
    "M0 0a40 40 0 0 1 40 40H0z",
    "M20 0a20 20 0 1 1 0 40 20 20 0 0 1 0-40z",
    "M0 0h20v40H0z",
    "M0 20A20 20 0 0 1 40 20z",
    "M20 4 36 20 20 36 4 20z",
];
const COLOURS: [&str; 3] = ["tone-1", "tone-2", "tone-3"];

/// The picture, in a box of the class. It is decoration: the title beside it says what the lot is.
pub fn picture(seed: u32, class: &'static str) -> Html {
    let hue = seed % 6;
    let side = (SIDE * TILE).to_string();
    html! {
        <svg class={classes!(class, "picture", format!("picture-{hue}"))} viewBox={format!("0 0 {side} {side}")} preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false">
            <rect class="tone-0" width={side.clone()} height={side} />
            { for tiles(seed).into_iter().enumerate().map(|(index, tile)| {
                let index = u32::try_from(index).unwrap_or_default();
                let (x, y) = (index % SIDE * TILE, index / SIDE * TILE);
                let half = TILE / 2;
                let mirror = if tile.mirrored { format!("translate({TILE} 0) scale(-1 1) ") } else { String::new() };
                html! { <path class={COLOURS[tile.colour]} d={SHAPES[tile.shape]} transform={format!("translate({x} {y}) {mirror}rotate({} {half} {half})", tile.turns * 90)} /> }
            }) }
        </svg>
    }
}

/// The tiles of a seed, mirrored left to right: symmetry looks made.
fn tiles(seed: u32) -> Vec<Tile> {
    let mut state = seed;
    let mut next = |most: u32| {
        state = mixed(state);
        state % most
    };
    let half: Vec<Tile> = (0..SIDE * SIDE / 2)
        .map(|_| Tile { shape: next(6) as usize, colour: next(3) as usize, turns: next(4), mirrored: false })
        .collect();
    let rows = half.chunks((SIDE / 2) as usize);
    rows.flat_map(|row| row.iter().copied().chain(row.iter().rev().map(|tile| mirrored(*tile)))).collect()
}

fn mirrored(tile: Tile) -> Tile {
    Tile { mirrored: true, ..tile }
}

/// The finaliser of MurmurHash3 over a Weyl sequence: near seeds give far pictures.
fn mixed(state: u32) -> u32 {
    let mut x = state.wrapping_add(0x9e37_79b9);
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_one_picture_and_its_neighbour_another() {
        assert_eq!(tiles(7), tiles(7));
        assert_ne!(tiles(7), tiles(8));
        for seed in [0, 1, u32::MAX] {
            let tiles = tiles(seed);
            assert_eq!(tiles.len(), 16);
            assert!(tiles.iter().all(|tile| tile.shape < SHAPES.len() && tile.colour < COLOURS.len()));
            for row in tiles.chunks(4) {
                assert_eq!((row[0].shape, row[1].colour), (row[3].shape, row[2].colour), "mirrored");
            }
        }
    }
}
