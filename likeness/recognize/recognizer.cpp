#include "likeness/recognize/recognizer.h"

#include <utility>

#include "likeness/image/read_image.h"

namespace likeness {
namespace {

PhotoStream open_stream(const Classifier& people, const std::filesystem::path& people_file,
                        const RecognizerOptions& options) {
  const auto search = pack_search_path(options.models);
  const ModelPack embedder = find_pack(options.model, search);
  require_same_space(people.space(), people_file.string(), space_of(embedder.contract, options.precision),
                     "the model " + options.model);
  StreamOptions stream;
  stream.detector = options.detector;
  stream.precision = options.precision;
  stream.threads = options.threads;
  stream.cache_folder = options.cache_folder;
  return PhotoStream(find_pack(embedder.contract.detector, search), embedder, stream);
}

}  // namespace

Recognizer::Recognizer(const std::filesystem::path& people, const RecognizerOptions& options)
    : people_(Classifier::read(people)), stream_(open_stream(people_, people, options)) {
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
