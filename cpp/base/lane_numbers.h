// Numbers of a model that all humans share (double), or that each lane has for itself (Wide): what tables of both kinds
// need, and how the second kind is filled from the first.
//
// Tables are structs of a Number, vectors and arrays of them, and of structure: indices, kinds, bools. Structure is the
// same in all lanes.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/fields.h"
#include "base/wide.h"

namespace soleus {

// A condition on numbers that chooses what a lane computes.
template <class Number>
using Flag = std::conditional_t<std::is_same_v<Number, Wide>, WideMask, bool>;
inline WideMask mask_of(WideMask flag) { return flag; }
inline WideMask mask_of(bool flag) { return flag ? every_lane() : no_lane(); }
inline bool any(bool flag) { return flag; }
inline bool all(bool flag) { return flag; }

// A condition on numbers that says whether there is anything to compute. A lane for which there is not computes nothing
// wrong: it adds 0, or turns by nothing. So it holds for all lanes where it holds for any.
struct Needed {
  bool anywhere;
  explicit operator bool() const { return anywhere; }
};

inline double of_lane(double x, int) { return x; }
inline double of_lane(Wide x, int lane) { return x[lane]; }

namespace lane_numbers_detail {

template <class T>
concept Sequence = requires(T& x) { x.begin(); x.size(); };
// Entries that a model may lack. An entry's key says which it is, keys rise, and clear(lane) makes it one without effect.
template <class T>
concept Optional = requires(T& x) { x.key(); x.clear(0); };

}  // namespace lane_numbers_detail

// Puts the numbers of a model into all lanes.
template <class Own, class Shared>
void spread_numbers(Own& own, const Shared& shared) {
  if constexpr (std::is_same_v<Own, Wide>) {
    own = Wide(shared);
  } else if constexpr (std::is_same_v<Own, WideMask>) {
    own = mask_of(shared);
  } else if constexpr (std::is_same_v<Own, Shared>) {
    own = shared;
  } else if constexpr (lane_numbers_detail::Sequence<Own>) {
    if constexpr (requires { own.resize(0); }) own.resize(shared.size());
    for (std::size_t i = 0; i < own.size(); ++i) spread_numbers(own[i], shared[i]);
  } else {
    static_assert(std::is_class_v<Own>);
    auto to = fields(own);
    const auto from = fields(shared);
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (spread_numbers(std::get<i>(to), std::get<i>(from)), ...);
    }(std::make_index_sequence<std::tuple_size_v<decltype(to)>>());
  }
}

namespace lane_numbers_detail {

// Entries for all that a lane is to have, in order of their keys; in the lane all are without effect.
template <class Own, class Shared>
void make_room(Own& own, int lane, const Shared& shared) {
  for (auto& entry : own) entry.clear(lane);
  std::size_t at = 0;
  for (const auto& entry : shared) {
    while (at < own.size() && own[at].key() < entry.key()) ++at;
    if (at < own.size() && own[at].key() == entry.key()) continue;
    typename Own::value_type added;
    spread_numbers(added, entry);
    for (int each = 0; each < kLanes; ++each) added.clear(each);
    own.insert(own.begin() + static_cast<std::ptrdiff_t>(at), added);
  }
}

}  // namespace lane_numbers_detail

// Puts the numbers of a model into one lane. Throws InvalidInput where its structure is another, and names what differs:
// a part of tables that name their parts (kParts, by member), and which of it.
template <class Own, class Shared>
void load_numbers(Own& own, int lane, const Shared& shared, const char* part = "", std::size_t number = 0) {
  auto check = [&](bool same) {
    if (same) return;
    throw InvalidInput(std::string("expected variants of a model that differ in numbers alone, got another structure of its ") +
                       part + ", number " + std::to_string(number));
  };
  if constexpr (std::is_same_v<Own, Wide>) {
    own.set(lane, shared);
  } else if constexpr (std::is_same_v<Own, WideMask>) {
    own.bits[lane] = shared ? -1 : 0;
  } else if constexpr (std::is_same_v<Own, Needed>) {
    own.anywhere = own.anywhere || shared.anywhere;
  } else if constexpr (lane_numbers_detail::Sequence<Own>) {
    using Entry = typename Own::value_type;
    if constexpr (lane_numbers_detail::Optional<Entry>) {
      lane_numbers_detail::make_room(own, lane, shared);
      std::size_t at = 0;
      for (std::size_t i = 0; i < shared.size(); ++i) {
        while (own[at].key() != shared[i].key()) ++at;
        load_numbers(own[at], lane, shared[i], part, i);
      }
    } else {
      if (own.size() != shared.size()) {
        throw InvalidInput("expected variants of a model that differ in numbers alone, got " + std::to_string(shared.size()) +
                           " for " + std::to_string(own.size()) + " " + part);
      }
      for (std::size_t i = 0; i < own.size(); ++i) {
        load_numbers(own[i], lane, shared[i], part, std::is_class_v<Entry> ? i : number);
      }
    }
  } else if constexpr (std::is_class_v<Own>) {
    auto to = fields(own);
    const auto from = fields(shared);
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      if constexpr (requires { Own::kParts; }) {
        static_assert(Own::kParts.size() == sizeof...(i));
        (load_numbers(std::get<i>(to), lane, std::get<i>(from), Own::kParts[i]), ...);
      } else {
        (load_numbers(std::get<i>(to), lane, std::get<i>(from), part, number), ...);
      }
    }(std::make_index_sequence<std::tuple_size_v<decltype(to)>>());
  } else {
    check(own == shared);
  }
}

}  // namespace soleus
