// Whether the main faces of two photos are one person's: verify MODELS PHOTO PHOTO

#include <likeness/likeness.h>

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

/// The threshold that the model's contract measured nearest to this share of strangers' pairs.
double threshold_at(const likeness::Contract& contract, double false_match_rate) {
  const likeness::KnownThreshold* nearest = nullptr;
  const auto distance = [&](const likeness::KnownThreshold& known) {
    return std::abs(std::log(known.false_match_rate / false_match_rate));
  };
  for (const auto& known : contract.thresholds) {
    if (known.precision != "f32") continue;
    if (nearest == nullptr || distance(known) < distance(*nearest)) nearest = &known;
  }
  if (nearest == nullptr) throw std::runtime_error(contract.name + " has no measured threshold");
  return nearest->cosine;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    const likeness::Setup setup{.models = {argv[1]}};
    const likeness::ModelPack embedder = setup.embedder();
    likeness::StreamOptions options = setup.stream_options();
    options.faces = likeness::FacesWanted::kMain;
    likeness::PhotoStream stream(setup.detector_for(embedder), embedder, options);
    const likeness::Comparison comparison(embedder.contract);  // how this model's embeddings are compared

    std::vector<std::vector<float>> faces;
    for (const char* file : {argv[2], argv[3]}) {
      const auto photo = stream.one(likeness::photo_of_file(file));
      if (photo.embeddings.size() == 0) throw std::runtime_error(std::string("no face in ") + file);
      faces.push_back(comparison.comparable(photo.embeddings[0]));
    }
    const double cosine = likeness::dot(faces[0], faces[1]);
    const double threshold = threshold_at(embedder.contract, 0.001);
    std::printf("%s: cosine %.3f, threshold %.3f\n", cosine >= threshold ? "same person" : "different people",
                cosine, threshold);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
