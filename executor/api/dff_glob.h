/*
 * Patterns as Redis has them: '*', '?' (a character), '[a-z]', '[^a]', and '\' before what
 * stands for itself. Linear in text and pattern, whatever they are. Pure code.
 */
#ifndef DFF_GLOB_H
#define DFF_GLOB_H

#include <stdbool.h>

#include "dff_str.h"

bool dff_glob_match(dff_str_t pattern, dff_str_t text);

#endif
