#include "likeness/embed/first_use.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>

#include "likeness/core/atomic_file.h"
#include "likeness/core/cache_folder.h"
#include "likeness/core/error.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

/// Where it is remembered that a self-test passed, and the text that then stands there.
CachePlace place_of(const ModelPack& pack, Precision precision, const std::string& identity,
                    const fs::path& cache_folder) {
  CachePlace place = cache_place(cache_folder, pack.network(precision),
                                 std::string(to_string(precision)) + "\n" + identity + "\n", ".passed");
  place.key = "likeness self-test passed 1\n" + place.key +
              file_identity(fs::path(place.source).replace_extension(".bin")) +
              file_identity(pack.folder / pack.self_test);
  return place;
}

bool is_remembered(const CachePlace& place) {
  std::error_code error;
  if (place.file.empty() || fs::file_size(place.file, error) != place.key.size() || error) return false;
  std::ifstream file(place.file, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(file), {}} == place.key;
}

void remember(const CachePlace& place) {
  if (place.file.empty()) return;
  try {
    make_cache_folder(place.file.parent_path());
    write_file(place.file, place.key);
  } catch (const Error&) {
    // No room or no permission: the next start tests again.
  }
}

}  // namespace

double least_cosine(Precision precision) {
  switch (precision) {
    case Precision::kF32:
      return 0.99999;
    case Precision::kBf16:
      return 0.99;
    case Precision::kInt8:
      return 0.999;
  }
  return 1;
}

std::vector<float> expected_embedding(const ModelPack& pack, const SelfTest& test, Precision precision) {
  if (precision != Precision::kInt8) return test.embedding;
  if (!test.int8_embedding.empty()) return test.int8_embedding;
  return Embedder(pack, {.precision = precision, .exact = true}).embed(std::span(&test.chip, 1)).values;
}

void require_self_test(const ModelPack& pack, Embedder& embedder, const std::string& identity,
                       const fs::path& cache_folder) {
  if (pack.self_test.empty()) return;
  const Precision precision = embedder.precision();
  const CachePlace place = place_of(pack, precision, identity, cache_folder);
  if (is_remembered(place)) return;
  const SelfTest test = read_self_test(pack);
  const Embeddings given = embedder.embed(std::span(&test.chip, 1));
  const double cosine = dot(given[0], expected_embedding(pack, test, precision));
  if (!(cosine >= least_cosine(precision))) {
    char numbers[80];
    std::snprintf(numbers, sizeof numbers, "cosine %.4f, at least %g is right", cosine,
                  least_cosine(precision));
    throw Error(ErrorCode::kUnsupported,
                "this CPU does not compute " + pack.contract.name + " in " +
                    std::string(to_string(precision)) + " as it must: its self-test gives " + numbers,
                Remedy::kUseF32);
  }
  remember(place);
}

}  // namespace likeness
