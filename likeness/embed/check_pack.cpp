#include "likeness/embed/check_pack.h"

#include <span>

#include "likeness/embed/embedder.h"
#include "likeness/embed/embeddings.h"
#include "likeness/infer/network.h"

namespace likeness {
namespace {

double least_cosine(Precision precision) {
  switch (precision) {
    case Precision::kF32:
      return 0.99999;
    case Precision::kBf16:
      return 0.99;
    case Precision::kInt8:
      return 0.9;
  }
  return 1;
}

}  // namespace

PackCheck check_pack(const ModelPack& pack, Precision precision, int threads) {
  verify_pack(pack);
  if (pack.kind == PackKind::kMtcnn) {
    for (const PackFile& file : pack.files) Network network(pack.folder / file.name, {.threads = threads});
    return {};
  }
  const SelfTest test = read_self_test(pack);
  Embedder embedder(pack, {.precision = precision, .threads = threads});
  const Embeddings embeddings = embedder.embed(std::span(&test.chip, 1));
  return {dot(embeddings[0], test.embedding), least_cosine(precision)};
}

SelfTest make_self_test(const ModelPack& pack) {
  SelfTest test{self_test_chip(pack.contract.crop.width, pack.contract.crop.height), {}};
  test.embedding = Embedder(pack).embed(std::span(&test.chip, 1)).values;
  return test;
}

}  // namespace likeness
