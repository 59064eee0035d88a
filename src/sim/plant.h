/* sim/plant.h - mistakes on purpose, to show that the checkers find them.
 *
 * Each stands behind os_planted() where a programmer would make it. No checker
 * and no client knows of them. */
#ifndef SIM_PLANT_H
#define SIM_PLANT_H

#include "os/os.h"

struct plant {
	const char *name;
	enum os_plant plant;
	const char *means;              /* one line */
};

enum { PLANTS = 13 };

extern const struct plant plants[PLANTS];

const struct plant *plant_find(slice name);     /* NULL: none */

#endif
