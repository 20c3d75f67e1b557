#include <likeness/likeness.h>

#include <filesystem>
#include <iostream>
#include <string_view>

// The main job in short: reads, detects, crops, embeds, compares; needs every library that likeness is built
// on.
//   consumer MODELS [PHOTO]    says how many faces, and the cosine of the first with itself; without a photo,
//   of a grey picture
int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  if (std::string_view(likeness::version()) != LIKENESS_VERSION) return 3;
  const std::filesystem::path models = argv[1];
  const likeness::ModelPack embedder = likeness::load_pack(models / "20180408-102900");
  likeness::PhotoStream stream(likeness::load_pack(models / embedder.contract.detector), embedder, {});
  const auto photo =
      argc == 3 ? likeness::read_image(argv[2])
                : likeness::decode_image(likeness::encode_png(likeness::Image(64, 48, 128).view()), "grey");
  const auto found = stream.one(photo.view());
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
