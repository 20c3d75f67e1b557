#include <likeness/likeness.h>

#include <cstdint>
#include <iostream>
#include <string_view>
#include <vector>

// The main job in short: reads, detects, crops, embeds, compares; needs every library that likeness is built
// on.
//   consumer MODELS [PHOTO]    says how many faces, and the cosine of the first with itself; without a photo,
//   of a grey picture
int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  if (std::string_view(likeness::version()) != LIKENESS_VERSION) return 3;
  const likeness::Setup setup{.models = {argv[1]}};
  const likeness::ModelPack embedder = setup.embedder();
  likeness::PhotoStream stream(setup.detector_for(embedder), embedder, setup.stream_options());
  const std::vector<std::uint8_t> grey(64 * 48 * 3, 128);
  const auto found = stream.one(argc == 3 ? likeness::photo_of_file(argv[2])
                                          : likeness::photo_of_image("grey", likeness::Image(64, 48, grey)));
  std::cout << found.faces.size() << " faces";
  if (!found.faces.empty()) {
    std::cout << ", cosine " << likeness::dot(found.embeddings[0], found.embeddings[0]);
  }
  std::cout << '\n';
  // An error of the library is caught as what it is, across the border of a shared library too.
  try {
    (void)likeness::read_image("/nowhere/at/all.jpg");
  } catch (const likeness::Error& error) {
    return error.code() == likeness::ErrorCode::kImageUnreadable ? 0 : 4;
  }
  return 5;
}
