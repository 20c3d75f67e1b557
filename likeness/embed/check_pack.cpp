#include "likeness/embed/check_pack.h"

#include <span>

#include "likeness/detect/face_detector.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/embeddings.h"
#include "likeness/embed/first_use.h"

namespace likeness {
PackCheck check_pack(const ModelPack& pack, Precision precision, int threads) {
  verify_pack(pack);
  if (pack.kind == PackKind::kDetector) {
    if (!pack.self_test.empty()) return {.shift = run_self_test(pack, threads)};
    (void)FaceDetector(pack, {.threads = threads});
    return {};
  }
  const SelfTest test = read_self_test(pack);
  Embedder embedder(pack, {.precision = precision, .threads = threads});
  const Embeddings embeddings = embedder.embed(std::span(&test.chip, 1));
  return {dot(embeddings[0], expected_embedding(pack, test, precision)), least_cosine(precision)};
}

SelfTest make_self_test(const ModelPack& pack) {
  SelfTest test{self_test_chip(pack.contract.crop.width, pack.contract.crop.height), {}};
  test.embedding = Embedder(pack).embed(std::span(&test.chip, 1)).values;
  if (pack.networks.contains(Precision::kInt8))
    test.int8_embedding = expected_embedding(pack, test, Precision::kInt8);
  return test;
}

}  // namespace likeness
