// Memory that is counted: after warm-up the dispatcher takes none, and a test can see that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace hetsched::core {

class CountingMemory : public std::pmr::memory_resource {
 public:
  // How often memory was asked for.
  std::int64_t allocations() const { return allocations_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    ++allocations_;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::int64_t allocations_ = 0;
};

template <typename T>
using Vec = std::pmr::vector<T>;

}  // namespace hetsched::core
