// SCIMMY with people and groups in memory, indexed by id and by user name. Prints its address.
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const shelf = (Type, nameOf) => {
  const byId = new Map();
  const byName = new Map();
  let last = 0;
  SCIMMY.Resources.declare(Type, {
    egress: (resource) => {
      if (resource.id) {
        const found = byId.get(resource.id);
        if (!found) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
        return found;
      }
      const asked = resource.filter?.length === 1 && resource.filter[0].userName;
      if (asked && asked[0] === "eq") return [byName.get(asked[1].toLowerCase())].filter(Boolean);
      const all = [...byId.values()];
      return resource.filter ? resource.filter.match(all) : all;
    },
    ingress: (resource, data) => {
      const name = nameOf(data).toLowerCase();
      const taken = byName.get(name);
      if (taken && taken.id !== resource.id) throw new SCIMMY.Types.Error(409, "uniqueness", "taken");
      const id = resource.id ?? String(++last);
      const now = new Date();
      const made = byId.get(id)?.meta?.created ?? now;
      const kept = { ...JSON.parse(JSON.stringify(data)), id, meta: { created: made, lastModified: now } };
      byId.set(id, kept);
      byName.set(name, kept);
      return kept;
    },
    degress: (resource) => {
      byName.delete(nameOf(byId.get(resource.id) ?? {})?.toLowerCase());
      byId.delete(resource.id);
    },
  });
};
shelf(SCIMMY.Resources.User, (user) => user.userName ?? "");
shelf(SCIMMY.Resources.Group, (group) => group.displayName ?? "");

const app = express();
app.use(
  "/scim",
  new SCIMMYRouters({
    type: "bearer",
    handler: (request) => {
      if (request.header("Authorization") !== "Bearer bench") throw new Error("a token is needed");
      return "bench";
    },
  }),
);
const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/scim`));
