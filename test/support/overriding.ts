/** An object with some of its methods replaced. The others run on the object itself, private fields and all. */
export const overriding = <T extends object>(base: T, methods: Partial<T>): T =>
  new Proxy(base, {
    get(target, name) {
      const own = methods[name as keyof T] ?? target[name as keyof T];
      return typeof own === "function" ? (own as () => unknown).bind(target) : own;
    },
  });
