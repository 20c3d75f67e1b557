#include <likeness/likeness.h>

#include <cstdio>
#include <memory>

// program MODELS GALLERY NAME FOLDER PHOTO: enrols NAME from a folder of photos, then says who is in a photo.
int main(int argc, char** argv) {
  if (argc != 6) return 2;
  try {
    const likeness::Recognizer recognizer({.models = {argv[1]}, .threads = 2});
    likeness::Gallery gallery = likeness::open_or_create_gallery(argv[2], recognizer.space());
    recognizer.enrol(gallery, /*person=*/argv[3], likeness::photos_in(argv[4]));

    const std::shared_ptr<const likeness::GalleryView> view = gallery.view();  // any thread may search it
    for (const likeness::SearchedFace& face : recognizer.search(*view, likeness::photo_of_file(argv[5]))) {
      std::printf("%s at %.0f, %.0f", face.name ? face.name->c_str() : "unknown", face.face.box.left,
                  face.face.box.top);
      if (face.nearest) std::printf(": similarity %.2f", face.nearest->similarity);
      std::printf("\n");
    }
  } catch (const likeness::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
