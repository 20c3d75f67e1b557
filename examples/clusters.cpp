// Which faces belong together: clusters MODELS PHOTO...

#include <likeness/likeness.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    const likeness::Recognizer recognizer({.models = {argv[1]}, .threads = 2});
    const std::vector<std::filesystem::path> photos(argv + 2, argv + argc);
    const likeness::Groups found = recognizer.group(likeness::PhotoSource::files(photos));
    const auto members = found.members();
    for (std::size_t person = 0; person < members.size(); ++person) {
      std::printf("person %zu:", person);
      for (const std::size_t face : members[person]) std::printf(" %s", found.faces[face].photo.c_str());
      std::printf("\n");
    }
    for (const likeness::GroupedFace& face : found.faces) {
      if (face.cluster == likeness::kNoise) std::printf("alone: %s\n", face.photo.c_str());
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
