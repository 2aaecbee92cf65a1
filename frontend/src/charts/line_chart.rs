//! Lines over time on a canvas. The time axis keeps moving when no data comes; a gap in the data is a gap in the line.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use web_sys::{Element, HtmlCanvasElement};
use yew::prelude::*;

use super::{
    crosshair::Crosshair,
    line_painter::{self, LEFT, Picture, RIGHT, reach},
    marks::swatch,
    pulse::{self, Draw},
    scale::Scale,
    series::{Series, nearest, neighbour, visible},
    surface::Surface,
    table::DataTable,
    theme,
    units::Unit,
    words::{Told, sentence},
};

/// The sentence of a chart is for reading aloud: it need not follow each sample.
const SENTENCE_EVERY_MS: f64 = 10_000.0;

/// What a [`LineChart`] shows.
#[derive(Properties, PartialEq, Clone)]
pub struct LineChartProps {
    /// The chart's name.
    pub title: AttrValue,
    /// What its values are.
    #[prop_or_default]
    pub unit: Unit,
    /// Its lines.
    pub series: Vec<Series>,
    /// Its vertical axis.
    #[prop_or(Scale::Auto)]
    pub y: Scale,
    /// How much time is in sight, in seconds.
    #[prop_or(300.0)]
    pub window_s: f64,
    /// The instant shared with the page's other charts.
    #[prop_or_default]
    pub crosshair: Crosshair,
    /// The server's clock minus this browser's, in ms: where the right edge is.
    #[prop_or_default]
    pub clock_offset_ms: f64,
    /// Holds the right edge at this instant: the page is paused.
    #[prop_or_default]
    pub held_ms: Option<f64>,
    /// Whether "Show as table" is offered. A page that has a table of its own turns it off.
    #[prop_or(true)]
    pub table: bool,
}

/// A chart with legend, crosshair by pointer and arrow keys, a spoken sentence and a table.
#[component]
pub fn LineChart(props: &LineChartProps) -> Html {
    let canvas = use_node_ref();
    let legend = use_node_ref();
    let spoken = use_node_ref();
    let chart = use_mut_ref(|| None::<Rc<Chart>>);
    {
        let (canvas, legend, chart, props) = (canvas.clone(), legend.clone(), chart.clone(), props.clone());
        use_effect_with((), move |()| {
            let attached = Chart::new(&canvas, legend, props).map(|made| {
                let weak: Weak<dyn Draw> = Rc::downgrade(&(made.clone() as Rc<dyn Draw>));
                *chart.borrow_mut() = Some(made);
                pulse::attach(weak)
            });
            move || {
                drop(attached);
                chart.borrow_mut().take();
            }
        });
    }
    {
        let chart = chart.clone();
        use_effect_with(props.clone(), move |props| {
            if let Some(chart) = chart.borrow().as_ref() {
                chart.show(props.clone());
            }
        });
    }
    let onpointermove =
        with(&chart, |chart, event: PointerEvent| chart.point_at(f64::from(event.offset_x())));
    let onpointerdown = onpointermove.clone();
    let onpointerleave = with(&chart, |chart, _: PointerEvent| chart.props.borrow().crosshair.point(None));
    let onblur = with(&chart, |chart, _: FocusEvent| chart.props.borrow().crosshair.point(None));
    let onkeydown = {
        let spoken = spoken.clone();
        with(&chart, move |chart, event: KeyboardEvent| {
            if chart.key(&event.key()) {
                event.prevent_default();
                if let Some(spoken) = spoken.cast::<Element>() {
                    spoken.set_text_content(chart.reading().as_deref());
                }
            }
        })
    };
    html! {
        <figure class="chart">
            <figcaption class="chart-head">
                <span class="chart-title">{&props.title}</span>
                <span class="chart-time"></span>
            </figcaption>
            <ul class="chart-legend" ref={legend}>
                { for props.series.iter().map(|series| html! {
                    <li key={&*series.name}>
                        {swatch(series.token, series.dash)}
                        <span class="chart-name">{&*series.name}</span>
                        <output class="chart-value" aria-live="off"></output>
                    </li>
                }) }
            </ul>
            <canvas ref={canvas} class="chart-canvas" role="img" tabindex="0" aria-label={props.title.clone()}
                {onpointermove} {onpointerdown} {onpointerleave} {onkeydown} {onblur}></canvas>
            // Speaks only what the reader asked for with the arrow keys.
            <span class="visually-hidden" aria-live="polite" ref={spoken}></span>
            if props.table {
                <DataTable title={props.title.clone()} unit={props.unit} series={props.series.clone()} />
            }
        </figure>
    }
}

fn with<E: 'static>(
    chart: &Rc<RefCell<Option<Rc<Chart>>>>,
    act: impl Fn(&Chart, E) + 'static,
) -> Callback<E> {
    let chart = chart.clone();
    Callback::from(move |event| {
        let chart = chart.borrow().clone();
        if let Some(chart) = chart {
            act(&chart, event);
        }
    })
}

/// What lives as long as the component is on the page: drawn by the loop, never by a render.
struct Chart {
    surface: Rc<Surface>,
    canvas: HtmlCanvasElement,
    legend: NodeRef,
    props: RefCell<LineChartProps>,
    drawn: Cell<Drawn>,
    told_ms: Cell<f64>,
}

/// What the last drawing showed; anything else calls for a new one.
#[derive(Clone, Copy, Default, PartialEq)]
struct Drawn {
    edge: f64,
    crosshair: u64,
    theme: u64,
}

impl Chart {
    fn new(canvas: &NodeRef, legend: NodeRef, props: LineChartProps) -> Option<Rc<Self>> {
        let canvas: HtmlCanvasElement = canvas.cast()?;
        let surface = Surface::new(canvas.clone())?;
        let told_ms = Cell::new(f64::NEG_INFINITY);
        Some(Rc::new(Self {
            surface,
            canvas,
            legend,
            props: RefCell::new(props),
            drawn: Cell::default(),
            told_ms,
        }))
    }

    fn show(&self, props: LineChartProps) {
        *self.props.borrow_mut() = props;
        self.surface.touch();
    }

    fn edge(&self) -> f64 {
        let props = self.props.borrow();
        props.held_ms.unwrap_or_else(|| js_sys::Date::now() + props.clock_offset_ms)
    }

    /// The left and right edge of the last drawing: what the pointer points at.
    fn span(&self) -> (f64, f64) {
        let edge = self.drawn.get().edge;
        (edge - self.props.borrow().window_s * 1_000.0, edge)
    }

    fn point_at(&self, px: f64) {
        let axis = line_painter::time_axis(self.surface.size().0, self.span());
        let (from, to) = self.span();
        self.props.borrow().crosshair.point(Some(axis.value(px).max(from).min(to)));
    }

    /// Moves the crosshair by key; false where the key is not ours.
    fn key(&self, key: &str) -> bool {
        let props = self.props.borrow();
        let Some(longest) = props.series.iter().max_by_key(|series| series.points.len()) else {
            return false;
        };
        let points = visible(&longest.points, self.span().0);
        let first = || points.first().map(|point| point.0);
        let last = || points.last().map(|point| point.0);
        let from = props.crosshair.instant();
        let target = match (key, from) {
            ("ArrowLeft", Some(instant)) => neighbour(points, instant, -1).or_else(first),
            ("ArrowRight", Some(instant)) => neighbour(points, instant, 1).or_else(last),
            ("ArrowLeft" | "ArrowRight" | "End", _) => last(),
            ("Home", _) => first(),
            ("Escape", _) => None,
            _ => return false,
        };
        props.crosshair.point(target);
        true
    }

    /// The values under the crosshair, in words.
    fn reading(&self) -> Option<String> {
        let props = self.props.borrow();
        let instant = props.crosshair.instant()?;
        let mut text = line_painter::clock(instant, true);
        for series in &props.series {
            text.push_str(&format!(", {} {}", series.name, value(series, props.unit, Some(instant))));
        }
        Some(text)
    }

    fn write_legend(&self) {
        let props = self.props.borrow();
        let Some(legend) = self.legend.cast::<Element>() else { return };
        let Ok(values) = legend.query_selector_all(".chart-value") else { return };
        for (index, series) in props.series.iter().enumerate() {
            if let Some(node) = values.get(index as u32) {
                let text = value(series, props.unit, props.crosshair.instant());
                if node.text_content().as_deref() != Some(&text) {
                    node.set_text_content(Some(&text));
                }
            }
        }
    }

    /// The moment that the legend's values belong to; nothing while they are the newest.
    fn write_time(&self) {
        let time = self
            .canvas
            .parent_element()
            .and_then(|figure| figure.query_selector(".chart-time").ok().flatten());
        let text = self.props.borrow().crosshair.instant().map(|instant| line_painter::clock(instant, true));
        if let Some(time) = time {
            time.set_text_content(text.as_deref());
        }
    }

    fn tell(&self, now_ms: f64) {
        if now_ms - self.told_ms.get() < SENTENCE_EVERY_MS {
            return;
        }
        let props = self.props.borrow();
        if props.series.iter().any(|series| !series.points.is_empty()) {
            self.told_ms.set(now_ms);
        }
        let since = self.span().0;
        let values: Vec<Vec<f64>> = props
            .series
            .iter()
            .map(|series| visible(&series.points, since).iter().map(|point| point.1).collect())
            .collect();
        let told: Vec<Told<'_>> = props
            .series
            .iter()
            .zip(&values)
            .map(|(series, values)| Told { name: &series.name, values })
            .collect();
        let words = sentence(&props.title, props.window_s, props.unit, &told);
        let _ = self.canvas.set_attribute("aria-label", &words);
    }
}

/// The series' value at an instant, or its newest; a dash where there is none.
fn value(series: &Series, unit: Unit, instant: Option<f64>) -> String {
    let point = match instant {
        Some(instant) => nearest(&series.points, instant, reach(&series.points)),
        None => series.points.last().copied(),
    };
    unit.format(point.map_or(f64::NAN, |point| point.1))
}

impl Draw for Chart {
    fn frame(&self, now_ms: f64) {
        if !self.surface.is_visible() {
            return;
        }
        let (width, _) = self.surface.size();
        let drawn = self.drawn.get();
        let window_ms = self.props.borrow().window_s * 1_000.0;
        let now = Drawn {
            edge: self.edge(),
            crosshair: self.props.borrow().crosshair.version(),
            theme: theme::version(),
        };
        // The axis moves on by whole pixels, or once a second for those who want less motion.
        let pixel_ms = window_ms / (width - LEFT - RIGHT).max(1.0);
        let step_ms = if theme::reduced_motion() { pixel_ms.max(1_000.0) } else { pixel_ms };
        let moved = now.edge - drawn.edge >= step_ms || now.edge < drawn.edge;
        let same = (now.crosshair, now.theme) == (drawn.crosshair, drawn.theme);
        if same && !moved && !self.surface.is_dirty() && !self.surface.is_outgrown() {
            return;
        }
        self.drawn.set(now);
        {
            let props = self.props.borrow();
            let picture = Picture {
                size: self.surface.size(),
                unit: props.unit,
                scale: props.y,
                series: &props.series,
                span: (now.edge - window_ms, now.edge),
                instant: props.crosshair.instant(),
            };
            line_painter::paint(self.surface.begin(), &picture);
        }
        self.write_legend();
        if now.crosshair != drawn.crosshair {
            self.write_time();
        }
        self.tell(now_ms);
    }
}
