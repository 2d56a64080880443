// Objects that Python may hold and that work without the GIL, or ask Python in the middle.
#pragma once

#include <stdexcept>
#include <string>

// Marks an object as at work; who comes meanwhile is refused. Made and ended with the GIL held, so
// the mark needs no lock of its own: a gil_scoped_release must end before it.
class Inside {
 public:
  // Throws std::runtime_error naming what is at work.
  Inside(bool& mark, const char* who) : mark_(mark) {
    if (mark) throw std::runtime_error(std::string(who) + " is at work on another call");
    mark = true;
  }
  ~Inside() { mark_ = false; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  bool& mark_;
};
