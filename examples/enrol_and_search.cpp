// Enrols one person, then says who is in a photo: enrol_and_search MODELS GALLERY NAME PHOTO... -- PHOTO
// The gallery is made where it is not there; enrolling the same photo twice adds nothing.

#include <likeness/likeness.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 7 || std::strcmp(argv[argc - 2], "--") != 0) return 2;
  try {
    const likeness::Recognizer recognizer({.models = {argv[1]}, .threads = 2});
    likeness::Gallery gallery = likeness::open_or_create_gallery(argv[2], recognizer.space());
    const std::vector<std::filesystem::path> photos(argv + 4, argv + argc - 2);
    const likeness::EnrolSummary done =
        recognizer.enrol(gallery, argv[3], likeness::PhotoSource::files(photos));
    std::printf("%zu enrolled, %zu known already, %zu refused\n", done.enrolled, done.known, done.refused);

    for (const auto& face : recognizer.search(*gallery.view(), likeness::photo_of_file(argv[argc - 1]))) {
      std::printf("%s: similarity %.3f to %s\n", face.name ? face.name->c_str() : "unknown",
                  face.nearest->similarity, face.nearest->name.c_str());
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
