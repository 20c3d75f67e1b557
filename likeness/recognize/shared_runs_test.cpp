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

ViewEmbeddings numbers_on_any(const std::vector<Chip>& chips, std::size_t each, std::size_t) {
  return numbers(chips, each);
}

std::vector<Chip> chips_of(int count, int number) {
  return std::vector<Chip>(static_cast<std::size_t>(count), chip_of(number));
}

TEST(SharedRunsTest, ACallGetsItsOwnInOrder) {
  SharedRuns runs(2);
  SharedRuns::Turn turn(runs);
  const auto result = runs.embed(turn, {chip_of(7), chip_of(8), chip_of(9), chip_of(10)}, 2, numbers_on_any);
  EXPECT_EQ(result.first.values, (std::vector<float>{7, 9}));
  EXPECT_EQ(result.mean.values, (std::vector<float>{7.1F, 9.1F}));
}

TEST(SharedRunsTest, AsManyLookAtOnceAsThereAreProcessors) {
  SharedRuns runs(2);
  std::atomic<int> looking = 0;
  std::atomic<int> most = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&] {
        const SharedRuns::Turn turn(runs);
        int now = ++looking;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        --looking;
      });
    }
  }
  EXPECT_EQ(most, 2);
}

/// Calls whose photos are looked at one after the other, on one processor, and the sizes of the runs.
TEST(SharedRunsTest, FacesOfPhotosThatWaitShareARun) {
  SharedRuns runs(1);
  std::vector<std::size_t> sizes;  // written by one run at a time
  std::vector<float> got(4);
  std::atomic<int> started = 0;
  {
    std::vector<std::jthread> threads;
    auto first = std::make_unique<SharedRuns::Turn>(runs);  // nobody looks before all have come
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        ++started;
        SharedRuns::Turn turn(runs);
        const auto made = runs.embed(turn, {chip_of(i)}, 1, [&](const auto& chips, std::size_t each, auto) {
          sizes.push_back(chips.size());
          return numbers(chips, each);
        });
        got[static_cast<std::size_t>(i)] = made.first.values.at(0);
      });
    }
    while (started < 4) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    first.reset();
  }
  EXPECT_EQ(got, (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(sizes, std::vector<std::size_t>{4});
}

TEST(SharedRunsTest, AFreeProcessorDoesNotWaitForAPhotoThatAnotherLooksAt) {
  SharedRuns runs(2);
  const SharedRuns::Turn slow(runs);
  SharedRuns::Turn turn(runs);
  EXPECT_EQ(runs.embed(turn, {chip_of(3)}, 1, numbers_on_any).first.values, std::vector<float>{3});
}

TEST(SharedRunsTest, AloneAPhotoOfManyFacesTakesAllProcessors) {
  SharedRuns runs(3);
  std::size_t given = 0;
  const auto count = [&](const auto& chips, std::size_t each, std::size_t processors) {
    given = processors;
    return numbers(chips, each);
  };
  SharedRuns::Turn many(runs);
  EXPECT_EQ(runs.embed(many, chips_of(30, 1), 1, count).first.values.size(), 30U);
  EXPECT_EQ(given, 3U);
  SharedRuns::Turn few(runs);
  (void)runs.embed(few, chips_of(2, 1), 1, count);
  EXPECT_EQ(given, 1U);
  const SharedRuns::Turn other(runs);  // has a processor of its own
  SharedRuns::Turn again(runs);
  (void)runs.embed(again, chips_of(30, 1), 1, count);
  EXPECT_EQ(given, 2U);
}

TEST(SharedRunsTest, AFailureComesOutOfTheCallAndTheNextGoesOn) {
  SharedRuns runs(1);
  const auto fails = [](const auto&, std::size_t, std::size_t) -> ViewEmbeddings {
    throw std::runtime_error("no network");
  };
  SharedRuns::Turn turn(runs);
  EXPECT_THROW((void)runs.embed(turn, {chip_of(1)}, 1, fails), std::runtime_error);
  SharedRuns::Turn next(runs);
  EXPECT_EQ(runs.embed(next, {chip_of(1)}, 1, numbers_on_any).first.values, std::vector<float>{1});
}

TEST(SharedRunsTest, ManyCallsEachGetTheirOwn) {
  SharedRuns runs(2);
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i) {
        const int number = (thread * 31 + i) % 256;
        const int count = 1 + i % 3;
        SharedRuns::Turn turn(runs);
        const auto result = runs.embed(turn, chips_of(count, number), 1, numbers_on_any);
        const std::vector<float> own(static_cast<std::size_t>(count), static_cast<float>(number));
        if (result.first.values != own) ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace likeness
