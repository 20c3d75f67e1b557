#include "likeness/model/self_test.h"

#include <cmath>
#include <cstdint>

#include "likeness/core/error.h"
#include "likeness/npz/npz.h"

namespace likeness {

Chip self_test_chip(int width, int height) {
  Chip chip(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = (x + 0.5) / width * 2 - 1;
      const double v = (y + 0.5) / height * 2 - 1;
      const double oval = std::exp(-2 * (u * u / 0.5 + v * v / 0.8));
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin((5 + c) * u + 2 * v) * std::cos((4 - c) * v);
        chip.row(y)[x * 3 + c] =
            static_cast<std::uint8_t>(std::lround(128 + 50 * wave + (60 - 12 * c) * oval));
      }
    }
  }
  return chip;
}

SelfTest read_self_test(const ModelPack& pack) {
  if (pack.self_test.empty()) {
    throw Error(ErrorCode::kModelInvalid,
                "the model pack " + pack.contract.name + " at " + pack.folder.string() + " has no self-test");
  }
  const auto path = pack.folder / pack.self_test;
  const auto& crop = pack.contract.crop;
  try {
    const NpzFile file(path);
    auto pixels = file.get<std::uint8_t>("chip");
    auto embedding = file.get<float>("embedding");
    std::vector<float> int8;
    if (file.contains("embedding_int8")) int8 = file.get<float>("embedding_int8").values;
    const std::vector<std::size_t> shape{static_cast<std::size_t>(crop.height),
                                         static_cast<std::size_t>(crop.width), 3};
    const auto dimension = static_cast<std::size_t>(pack.contract.dimension);
    if (pixels.shape != shape || embedding.values.size() != dimension ||
        (!int8.empty() && int8.size() != dimension)) {
      throw Error(ErrorCode::kDataInvalid,
                  path.string() + " does not fit the contract of " + pack.contract.name);
    }
    return {Chip(crop.width, crop.height, std::move(pixels.values)), std::move(embedding.values),
            std::move(int8)};
  } catch (const Error& e) {
    throw Error(ErrorCode::kModelInvalid, e.what());  // a damaged part of a model, whatever its format
  }
}

void write_self_test(const std::filesystem::path& path, const SelfTest& test) {
  const auto width = static_cast<std::size_t>(test.chip.width());
  const auto height = static_cast<std::size_t>(test.chip.height());
  std::vector<NpzMember> members{{"chip", Array<std::uint8_t>{{height, width, 3}, test.chip.pixels()}},
                                 {"embedding", Array<float>{{test.embedding.size()}, test.embedding}}};
  if (!test.int8_embedding.empty())
    members.push_back({"embedding_int8", Array<float>{{test.int8_embedding.size()}, test.int8_embedding}});
  write_npz(path, members);
}

}  // namespace likeness
