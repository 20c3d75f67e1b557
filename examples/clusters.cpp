// Which faces of many photos belong together: clusters MODELS PHOTO...

#include <likeness/likeness.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    const likeness::Setup setup{.models = {argv[1]}, .threads = 2};
    const std::vector<std::filesystem::path> photos(argv + 2, argv + argc);
    const likeness::ModelPack embedder = setup.embedder();
    likeness::PhotoStream stream(setup.detector_for(embedder), embedder, setup.stream_options());

    likeness::Embeddings faces{static_cast<std::size_t>(embedder.contract.dimension), {}};
    std::vector<std::int64_t> photo_of;  // faces of one photo are never one person
    stream.run(likeness::PhotoSource::files(photos), [&](likeness::PhotoFaces&& photo) {
      if (!photo.error.empty()) std::fprintf(stderr, "%s\n", photo.error.c_str());
      faces.values.insert(faces.values.end(), photo.embeddings.values.begin(), photo.embeddings.values.end());
      photo_of.resize(faces.size(), static_cast<std::int64_t>(photo.index));
    });

    const auto compared = likeness::Comparison(embedder.contract).comparable(faces);
    const double link = likeness::link_threshold(faces.size(), embedder.contract, likeness::Precision::kF32);
    const auto cluster_of = likeness::cluster_faces(compared, photo_of, {.threshold = link, .threads = 2});

    std::map<int, std::string> files;  // by cluster
    for (std::size_t face = 0; face < faces.size(); ++face) {
      files[cluster_of[face]] += " " + photos[static_cast<std::size_t>(photo_of[face])].string();
    }
    for (const auto& [cluster, list] : files) {
      if (cluster != likeness::kNoise) std::printf("person %d:%s\n", cluster, list.c_str());
    }
    if (files.contains(likeness::kNoise)) std::printf("alone:%s\n", files[likeness::kNoise].c_str());
  } catch (const likeness::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
