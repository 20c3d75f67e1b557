#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace likeness {

/// An n-dimensional array, last axis fastest (NumPy's C order). A shape of no axes is one single value.
template <typename T>
struct Array {
  std::vector<std::size_t> shape;
  std::vector<T> values;  ///< As many as the product of `shape`.
  bool operator==(const Array&) const = default;
};

/// What a member holds, told from its header alone.
struct ArrayInfo {
  std::string dtype;  ///< NumPy's spelling, e.g. "<f4", "|u1", "<U14".
  std::vector<std::size_t> shape;
};

/// Members larger than this are neither read nor written.
inline constexpr std::uint64_t kMaxNpzMemberBytes = std::uint64_t{1} << 32;

/// NumPy's .npz, opened for reading: .npy arrays in a zip archive, stored or deflated, .npy versions 1 to 3.
/// Fortran order and big-endian numbers are converted. Every size in the file is checked before memory is
/// taken for it, and Python objects (pickles) are refused, so files from strangers may be opened.
/// Members are read when asked for. Not for two threads at once.
class NpzFile {
 public:
  /// @throws Error kInputUnreadable where there is no such file, kDataInvalid where it is no zip archive.
  explicit NpzFile(const std::filesystem::path& path);
  /// The same from memory, which must outlive the object; `name` is what errors call it.
  NpzFile(std::span<const std::byte> bytes, std::string name);
  ~NpzFile();
  NpzFile(NpzFile&&) noexcept;
  NpzFile& operator=(NpzFile&&) noexcept;

  /// The path or name it was opened with.
  [[nodiscard]] const std::string& file() const { return file_; }
  /// Names of the arrays, without ".npy", in the archive's order. Other members are left out.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool contains(std::string_view name) const;

  /// @throws Error kDataInvalid naming file, member and problem, as all of the following.
  [[nodiscard]] ArrayInfo info(const std::string& name) const;

  /// The array `name`. T: float, double, bool, std::uint8_t, std::int32_t, std::int64_t, or std::string for
  /// NumPy's `<U` (UTF-32 there, UTF-8 here; trailing zeros cut, as NumPy does) and `|S` (bytes, which must
  /// be UTF-8). No silent conversion from one T to another.
  template <typename T>
  [[nodiscard]] Array<T> get(const std::string& name) const;
  /// Any numbers as float: of 16, 32 or 64 bits, or whole ones; rounded where float has no such value.
  [[nodiscard]] Array<float> floats(const std::string& name) const;
  /// Any whole numbers that 64 bits with a sign hold.
  [[nodiscard]] Array<std::int64_t> whole_numbers(const std::string& name) const;
  /// A 1-dimensional array of text.
  [[nodiscard]] std::vector<std::string> strings(const std::string& name) const;
  /// A 0-dimensional `<U` array, as files of this project store JSON.
  [[nodiscard]] std::string text(const std::string& name) const;

 private:
  struct Archive;
  std::unique_ptr<Archive> archive_;
  std::string file_;
};

/// An array of bytes whose pieces lie in several places, in their order; they must outlive the writing.
struct ByteRows {
  std::vector<std::size_t> shape;
  std::vector<std::span<const std::uint8_t>> values;
};

using AnyArray = std::variant<Array<float>, Array<double>, Array<bool>, Array<std::uint8_t>,
                              Array<std::int32_t>, Array<std::int64_t>, Array<std::string>, ByteRows>;

struct NpzMember {
  std::string name;  ///< Without ".npy".
  AnyArray array;
};

/// One string as the 0-dimensional `<U` member that NpzFile::text() reads.
[[nodiscard]] NpzMember text_member(std::string name, std::string text);
/// A list of strings as a 1-dimensional `<U` member.
[[nodiscard]] NpzMember strings_member(std::string name, std::vector<std::string> strings);

/// Writes `members` so that numpy.load() reads them; equal members give equal bytes (no time of day inside).
/// `compressed`: members that a sample says will shrink by a quarter or more are deflated.
/// The file appears complete or not at all. @throws Error kOutputUnwritable; kDataInvalid for a string that
/// is not UTF-8 or a member over kMaxNpzMemberBytes; std::invalid_argument where shape and values disagree.
void write_npz(const std::filesystem::path& path, const std::vector<NpzMember>& members,
               bool compressed = true);

}  // namespace likeness
