// When the server has let go of the points chosen in a picture, the picture lets go of them too, once the rest of the
// page, which is quicker, has been painted.
const told = new WeakMap();

export default function ({ data, parentElement }) {
  if (told.has(parentElement) && told.get(parentElement) !== data.times) {
    const pictures = [...document.querySelectorAll(`${data.of} .js-plotly-plot`)];
    const tell = () => inOneGo(() => pictures.filter(chosen).forEach(letGo));
    requestAnimationFrame(() => setTimeout(tell, 100));
  }
  told.set(parentElement, data.times);
}

function chosen({ data, layout }) {
  return data.some((trace) => trace.selectedpoints) || layout.selections?.length > 0;
}

function letGo(picture) {
  picture.data = picture.data.map((trace) => ({ ...trace, selectedpoints: null }));
  picture.layout = { ...picture.layout, selections: [] };
  picture.emit("plotly_restyle"); // Streamlit draws what the picture holds now
  picture.emit("plotly_deselect"); // and its widget holds nothing
}

// As what a click does, which React draws before the browser turns to anything else. Else, as after Streamlit's own
// double click, a press of one of Plotly's buttons in between makes the two draw by turns, for ever: the page hangs.
function inOneGo(does) {
  const press = document.createElement("button");
  press.addEventListener("click", does);
  press.click();
}
