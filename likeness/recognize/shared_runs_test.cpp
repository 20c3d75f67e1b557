#include "likeness/recognize/shared_runs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

namespace likeness {
namespace {

/// A chip that says its number.
Chip chip_of(int number) { return {2, 2, static_cast<std::uint8_t>(number)}; }

/// One value a face: the number of its first chip; the mean is a tenth of it more.
ViewEmbeddings numbers(const std::vector<Chip>& chips, std::size_t each) {
  ViewEmbeddings made{{1, {}}, {1, {}}};
  for (std::size_t i = 0; i < chips.size(); i += each) {
    made.first.values.push_back(chips[i].pixels()[0]);
    made.mean.values.push_back(static_cast<float>(chips[i].pixels()[0]) + 0.1F);
  }
  return made;
}

TEST(SharedRunsTest, AloneACallDoesNotWait) {
  SharedRuns runs(2);
  const auto begin = std::chrono::steady_clock::now();
  const auto result = runs.embed({chip_of(7), chip_of(8), chip_of(9), chip_of(10)}, 2, numbers);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, SharedRuns::kMostWait);
  EXPECT_EQ(result.first.values, (std::vector<float>{7, 9}));
  EXPECT_EQ(result.mean.values, (std::vector<float>{7.1F, 9.1F}));
}

TEST(SharedRunsTest, CallsThatAreLookedAtMeanwhileShareARun) {
  SharedRuns runs(1);
  std::vector<std::unique_ptr<SharedRuns::Coming>> coming;
  for (int i = 0; i < 4; ++i) coming.push_back(std::make_unique<SharedRuns::Coming>(runs));
  std::atomic<int> called = 0;
  std::vector<float> got(4);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        coming[static_cast<std::size_t>(i)].reset();
        got[static_cast<std::size_t>(i)] = runs.embed({chip_of(i)}, 1,
                                                      [&](const std::vector<Chip>& chips, std::size_t each) {
                                                        ++called;
                                                        std::this_thread::sleep_for(std::chrono::milliseconds(
                                                            50));  // time for the others to come
                                                        return numbers(chips, each);
                                                      })
                                               .first.values.at(0);
      });
    }
  }
  EXPECT_EQ(got, (std::vector<float>{0, 1, 2, 3}));
  EXPECT_LE(called, 2);  // the first may go alone; who comes during its run shares the next
}

TEST(SharedRunsTest, NobodyWaitsLongForAPhotoThatTakesLong) {
  SharedRuns runs(1);
  const SharedRuns::Coming slow(runs);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(runs.embed({chip_of(3)}, 1, numbers).first.values, std::vector<float>{3});
  EXPECT_GE(std::chrono::steady_clock::now() - begin, SharedRuns::kMostWait);
  // With enough faces it goes at once.
  const auto again = std::chrono::steady_clock::now();
  (void)runs.embed(std::vector<Chip>(SharedRuns::kEnough, chip_of(1)), 1, numbers);
  EXPECT_LT(std::chrono::steady_clock::now() - again, SharedRuns::kMostWait);
}

TEST(SharedRunsTest, AFailureComesOutOfEveryCallThatSharedIt) {
  SharedRuns runs(2);
  EXPECT_THROW((void)runs.embed({chip_of(1)}, 1,
                                [](const std::vector<Chip>&, std::size_t) -> ViewEmbeddings {
                                  throw std::runtime_error("no network");
                                }),
               std::runtime_error);
  EXPECT_EQ(runs.embed({chip_of(1)}, 1, numbers).first.values, std::vector<float>{1});
}

TEST(SharedRunsTest, ManyCallsEachGetTheirOwn) {
  SharedRuns runs(2);
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i) {
        const int number = (thread * 31 + i) % 256;
        { const SharedRuns::Coming looking(runs); }
        const auto result =
            runs.embed(std::vector<Chip>(static_cast<std::size_t>(1 + i % 3), chip_of(number)), 1, numbers);
        if (result.first.values !=
            std::vector<float>(static_cast<std::size_t>(1 + i % 3), static_cast<float>(number)))
          ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace likeness
