// Pictures of faces, where the server keeps them: loaders for dom.js' face().
import { picture, within } from "./api.js";

/** Of an enrolled face, as /v1 tells of it. */
export const ofFace = (face) => (face?.has_crop ? () => picture(within("faces", face.id, "crop")) : null);
export const ofGroup = (id) => () => picture(within("seen", id, "crop"));
