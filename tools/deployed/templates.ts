/** What is asked of CloudFormation. */
export interface Stacks {
  /** A page of the account's stacks, those that are deleted among them. */
  readonly list: (token: string | undefined) => Promise<{
    readonly stacks: readonly { readonly name: string; readonly status: string }[];
    readonly next: string | undefined;
  }>;
  /** A stack's template as it was deployed. */
  readonly template: (name: string) => Promise<string>;
}

/** Stacks that are not there, or were never made. */
const ABSENT = new Set(["DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"]);

/**
 * The templates of stacks as they are deployed; undefined for those that are not. That a stack is absent is read from the
 * account's list, and not from an error that may mean something else.
 *
 * @throws for a template that is no JSON: another tool deployed the stack
 */
export async function deployedTemplates(
  names: readonly string[],
  { list, template }: Stacks,
): Promise<ReadonlyMap<string, string | undefined>> {
  const there = new Set<string>();
  let token: string | undefined;
  do {
    const { stacks, next } = await list(token);
    for (const { name, status } of stacks) if (!ABSENT.has(status)) there.add(name);
    token = next;
  } while (token !== undefined);
  const templates = new Map<string, string | undefined>();
  for (const name of names) templates.set(name, there.has(name) ? checked(name, await template(name)) : undefined);
  return templates;
}

function checked(name: string, text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw new Error(`The template of ${name} is no JSON: the stack was not deployed by this app.`, { cause });
  }
}
