// Names for what Gradio leaves without one: examples that are pictures, empty results, scrolling code.
() => {
  const KEYS = { "common.webcam": "Capture from camera", "common.upload": "Click to Upload" };
  const named = (picture) => picture?.src.split("/").pop().replace(/\.\w+$/, "");
  const name = () => {
    for (const button of document.querySelectorAll("button.gallery-item:not([aria-label])")) {
      const pictures = [...button.querySelectorAll("img")].map(named).filter(Boolean);
      if (pictures.length) button.setAttribute("aria-label", `Example: ${pictures.join(", ")}`);
    }
    for (const [key, words] of Object.entries(KEYS)) {
      for (const button of document.querySelectorAll(`[aria-label='${key}']`)) {
        button.setAttribute("aria-label", words);
        button.title = words;
      }
    }
    // The upload button of a gallery lies in a button; only the inner one does something.
    for (const outer of document.querySelectorAll("button:has(button):not([role])")) {
      outer.setAttribute("role", "group");
      outer.tabIndex = -1;
    }
    for (const empty of document.querySelectorAll("div[aria-label]:not([role])")) empty.setAttribute("role", "img");
    for (const code of document.querySelectorAll(".cm-scroller[tabindex='-1']")) code.tabIndex = 0;
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  name();
}
