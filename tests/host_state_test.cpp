#include <fcntl.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/image/image.h"
#include "likeness/image/read_image.h"
#include "likeness/image/write_image.h"
#include "likeness/model/keras_file.h"

namespace {
int umask_calls = 0;
}

/// Stands before libc's in this program, so that a change for a moment is seen too.
extern "C" mode_t umask(mode_t mask) noexcept {
  ++umask_calls;
  return static_cast<mode_t>(::syscall(SYS_umask, mask));
}

namespace likeness {
namespace {

namespace fs = std::filesystem;

/// What one part of a process may not change under the others' feet.
struct HostState {
  std::vector<std::string> environment;
  fs::path folder = fs::current_path();
  std::string locale = std::setlocale(LC_ALL, nullptr);
  std::vector<void (*)(int)> handlers;

  HostState() {
    for (char** entry = ::environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
    for (int number = 1; number < SIGRTMIN; ++number) {
      struct sigaction action {};
      ::sigaction(number, nullptr, &action);
      handlers.push_back(action.sa_handler);
    }
  }
};

unsigned permissions(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 0777U;
}

TEST(HostState, PicturesLeaveEnvironmentFolderLocaleAndSignalsAlone) {
  ASSERT_EQ(std::getenv("VIPSHOME"), nullptr);  // else libvips would not write it, and nothing were shown
  const HostState before;
  const auto png = encode_png(Image(8, 8, 128).view());
  EXPECT_EQ(decode_image(png, "grey.png").width(), 8);
  const HostState after;
  EXPECT_EQ(after.environment, before.environment);
  EXPECT_EQ(after.folder, before.folder);
  EXPECT_EQ(after.locale, before.locale);
  EXPECT_EQ(after.handlers, before.handlers);
}

TEST(HostState, FilesObeyTheUmaskWithoutTouchingIt) {
  const fs::path folder = fs::path(testing::TempDir()) / "host_state";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const mode_t old = ::umask(027);
  umask_calls = 0;
  write_file(folder / "result.txt", "text");
  EXPECT_EQ(umask_calls, 0);
  ::umask(old);
  EXPECT_EQ(permissions(folder / "result.txt"), 0640U);  // 0666 without 027
  fs::remove_all(folder);
}

herr_t count_call(hid_t, void* calls) {
  ++*static_cast<int*>(calls);
  return 0;
}

TEST(HostState, TheHandlerOfHdf5sErrorsIsTheHostsAgainAfterwards) {
  int calls = 0;
  H5Eset_auto2(H5E_DEFAULT, count_call, &calls);
  const std::string text = "no HDF5 file";
  EXPECT_THROW((void)read_keras_file(std::as_bytes(std::span(text)), "damaged.h5"), Error);
  EXPECT_EQ(calls, 0);
  EXPECT_LT(H5Fopen("/nowhere/at/all.h5", H5F_ACC_RDONLY, H5P_DEFAULT), 0);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace likeness
