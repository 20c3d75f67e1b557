#include <gtest/gtest.h>
#include <sodium.h>

#include <cmath>
#include <fstream>

#include "likeness/core/error.h"
#include "likeness/embed/byte_values.h"
#include "likeness/gallery/synthetic.h"
#include "likeness/gallery/vault.h"

namespace likeness {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(Quantize, KeepsLengthAndCosine) {
  const Embeddings faces = synthetic_faces(20, 2, 512, 1);
  double worst = 0;
  for (std::size_t i = 0; i + 1 < faces.size(); ++i) {
    std::vector<std::int8_t> a(512);
    std::vector<std::int8_t> b(512);
    const double scale = static_cast<double>(quantize(faces[i], a)) * quantize(faces[i + 1], b);
    double sum = 0;
    double squares = 0;
    for (std::size_t j = 0; j < 512; ++j) {
      sum += static_cast<double>(a[j]) * b[j];
      squares += static_cast<double>(a[j]) * a[j];
    }
    std::vector<std::int8_t> again(512);
    const double own = quantize(faces[i], again);
    EXPECT_NEAR(squares * own * own, 1, 1e-5);
    worst = std::max(worst, std::abs(sum * scale - dot(faces[i], faces[i + 1])));
  }
  EXPECT_LT(worst, 0.005);
  EXPECT_GT(worst, 0);  // it does round
}

TEST(Quantize, ZeroStaysZero) {
  const std::vector<float> zero(8);
  std::vector<std::int8_t> out(8, 7);
  EXPECT_EQ(quantize(zero, out), 0);
  EXPECT_EQ(out, std::vector<std::int8_t>(8, 0));
}

TEST(Vault, OpensOnlyWithKeyAndContextAndAllBits) {
  const Vault::Salt salt = Vault::new_salt();
  const Vault vault("correct horse", salt);
  auto sealed = vault.seal(bytes("Ada"), "name");
  const auto plain = vault.open(sealed, "name");
  ASSERT_TRUE(plain);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(plain->data()), plain->size()), "Ada");
  EXPECT_FALSE(vault.open(sealed, "face"));
  EXPECT_FALSE(Vault("correct horsf", salt).open(sealed, "name"));
  EXPECT_FALSE(Vault("correct horse", Vault::new_salt()).open(sealed, "name"));
  EXPECT_FALSE(vault.open(std::span(sealed).first(20), "name"));
  sealed.back() ^= std::byte{1};
  EXPECT_FALSE(vault.open(sealed, "name"));
}

TEST(Vault, SealsDifferentlyEachTimeAndFingerprintsEqually) {
  const Vault vault("k", Vault::new_salt());
  EXPECT_NE(vault.seal(bytes("Ada"), ""), vault.seal(bytes("Ada"), ""));
  EXPECT_EQ(vault.fingerprint("Ada"), vault.fingerprint("Ada"));
  EXPECT_NE(vault.fingerprint("Ada"), vault.fingerprint("Adb"));
}

TEST(GalleryPassphrase, ComesFromTheFirstLineOfAFile) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "gallery_key";
  std::ofstream(path) << "s3cret\r\nsecond line\n";
  EXPECT_EQ(gallery_passphrase(path), "s3cret");
  std::ofstream(path, std::ios::trunc).close();
  EXPECT_THROW(static_cast<void>(gallery_passphrase(path)), Error);
  std::filesystem::remove(path);
  EXPECT_THROW(static_cast<void>(gallery_passphrase(path)), Error);
}

}  // namespace
}  // namespace likeness
