// Photos from the disk: chosen, dropped, folders too.
import { h, newId } from "./dom.js";

const kPhoto = /\.(jpe?g|png|webp|hei[cf]|tiff?|gif|bmp|avif)$/i;
const isPhoto = (file) => file.type.startsWith("image/") || kPhoto.test(file.name);

function readEntries(folder) {
  const reader = folder.createReader();
  return new Promise((resolve, reject) => {
    const all = [];
    const more = () => reader.readEntries((some) => {
      if (!some.length) return resolve(all);
      all.push(...some);
      return more();
    }, reject);
    more();
  });
}

async function walk(entry, path, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: [...path, file.name] });
  } else {
    for (const child of await readEntries(entry)) await walk(child, [...path, entry.name], found);
  }
}

/** What was dropped, as {file, path: [folder, ..., name]}. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = [];
  if (entries.length) {
    for (const entry of entries) await walk(entry, [], found);
  } else {
    for (const file of transfer.files) found.push({ file, path: [file.name] });
  }
  return found;
}

const chosen = (input) => [...input.files].map((file) => ({ file, path: (file.webkitRelativePath || file.name).split("/") }));

/**
 * A place for photos: dropped, pasted, chosen by the keyboard. `take` gets [{file, path}] and how many others
 * were left out for not being photos.
 */
export function dropZone(take, { folders = false, several = true, words = "Drop photos here" } = {}) {
  const give = (found) => {
    const photos = found.filter((one) => isPhoto(one.file));
    take(several ? photos : photos.slice(0, 1), found.length - photos.length);
  };
  const pick = (label, attributes) => {
    const id = newId("files");
    const input = h("input", { type: "file", id, class: "file", ...attributes, onchange: () => {
      give(chosen(input));
      input.value = "";
    } });
    return [input, h("label", { for: id, class: "button" }, label)];
  };
  const zone = h("div", { class: "drop" }, h("p", {}, words), h("div", { class: "buttons" },
    pick(several ? "Choose photos" : "Choose a photo", { multiple: several, accept: "image/*,.heic,.heif" }),
    folders ? pick("Choose a folder", { webkitdirectory: true }) : null));
  const over = (on) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", on);
  };
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", async (event) => {
    over(false)(event);
    give(await dropped(event.dataTransfer));
  });
  const paste = (event) => {
    if (event.clipboardData?.files.length) give([...event.clipboardData.files].map((file) => ({ file, path: [file.name] })));
  };
  document.addEventListener("paste", paste);
  return { zone, stop: () => document.removeEventListener("paste", paste) };
}

/** A photo on the page; where the browser cannot show its kind, words. */
export function preview(file, attributes = {}) {
  const address = URL.createObjectURL(file);
  const image = h("img", { alt: "", ...attributes, src: address });
  image.addEventListener("load", () => URL.revokeObjectURL(address));
  image.addEventListener("error", () => {
    URL.revokeObjectURL(address);
    image.replaceWith(h("span", { class: "nopreview" }, "no preview of this kind"));
  });
  return image;
}
