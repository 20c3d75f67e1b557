#include "likeness/recognize/recognizer.h"

#include <utility>

#include "likeness/image/read_image.h"

namespace likeness {
namespace {

PhotoStream open_stream(const Classifier& people, const std::filesystem::path& people_file,
                        const Setup& setup) {
  const ModelPack embedder = setup.embedder();
  require_same_space(people.space(), people_file.string(), setup.space(embedder), "the model " + setup.model);
  return {setup.detector_for(embedder), embedder, setup.stream_options()};
}

}  // namespace

Recognizer::Recognizer(const std::filesystem::path& people, const Setup& setup)
    : people_(Classifier::read(people)), stream_(open_stream(people_, people, setup)) {
  stream_.load();
}

std::vector<Recognition> Recognizer::recognize(const std::filesystem::path& photo) {
  return recognize(read_image(photo).view());
}

std::vector<Recognition> Recognizer::recognize(ImageView photo) {
  const PhotoFaces found = stream_.one(photo);
  std::vector<Recognition> result;
  for (std::size_t i = 0; i < found.chosen.size(); ++i) {
    const auto embedding = found.embeddings[i];
    result.push_back({.face = found.faces[found.chosen[i]],
                      .embedding = {embedding.begin(), embedding.end()},
                      .prediction = people_.predict(embedding)});
  }
  return result;
}

}  // namespace likeness
