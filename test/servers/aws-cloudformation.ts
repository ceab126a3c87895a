/** Stacks of the stand-in, by `region/name`, and the names of those whose next change fails. */
export type Stacks = {
  readonly all: Map<string, Stack>;
  readonly failing: Set<string>;
  /** Change sets that were made, by `region/name/change set`. */
  readonly planned: Map<string, URLSearchParams>;
  /** The buckets, where templates lie. */
  readonly objects: ReadonlyMap<string, Buffer>;
};

/** A stack as it stands: its status, its template, and what happened to it. */
export type Stack = {
  status: string;
  template: string;
  tags: readonly (readonly [string, string])[];
  /** Values of parameters, as they were given. */
  parameters: ReadonlyMap<string, string>;
  readonly events: string[];
};

type Answer = (status: number, text: string) => undefined;

/**
 * The calls of CloudFormation that deploying makes; a stack is made in the moment that it is asked for.
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
 */
export const cloudFormation = (form: URLSearchParams, region: string, stacks: Stacks, answer: Answer): undefined => {
  const action = form.get('Action') ?? '';
  const given = form.get('StackName') ?? '';
  const name = given.startsWith('arn:') ? (given.split('/')[1] ?? '') : given;
  const key = `${region}/${name}`;
  const stack = stacks.all.get(key);
  const say = (result: string) =>
    answer(200, `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`);
  const none = () =>
    answer(
      400,
      `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id ${name} does not exist</Message></Error></ErrorResponse>`,
    );
  switch (action) {
    case 'CreateStack':
    case 'UpdateStack':
      return say(`<StackId>${change(form, key, action === 'CreateStack' ? 'CREATE' : 'UPDATE', stacks)}</StackId>`);
    case 'CreateChangeSet': {
      const wrong = wrongParameters(form, stacks);
      if (wrong !== undefined)
        return answer(
          400,
          `<ErrorResponse><Error><Code>ValidationError</Code><Message>${wrong}</Message></Error></ErrorResponse>`,
        );
      stacks.planned.set(`${key}/${form.get('ChangeSetName')}`, form);
      return say(`<Id>${form.get('ChangeSetName')}</Id><StackId>${arn(key)}</StackId>`);
    }
    case 'DescribeChangeSet':
      return say(
        `<ChangeSetName>${form.get('ChangeSetName')}</ChangeSetName><StackId>${arn(key)}</StackId><StackName>${name}</StackName><Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus><Changes></Changes>`,
      );
    case 'ExecuteChangeSet': {
      const planned = stacks.planned.get(`${key}/${form.get('ChangeSetName')}`);
      if (planned === undefined) return none();
      change(planned, key, planned.get('ChangeSetType') === 'CREATE' ? 'CREATE' : 'UPDATE', stacks);
      return say('');
    }
    case 'DeleteChangeSet':
      stacks.planned.delete(`${key}/${form.get('ChangeSetName')}`);
      return say('');
    case 'DeleteStack':
      if (stack !== undefined) stacks.all.delete(key);
      return say('');
    case 'DescribeStacks': {
      if (given !== '') return stack === undefined ? none() : say(`<Stacks>${described(key, stack)}</Stacks>`);
      const here = [...stacks.all].filter(([place]) => place.startsWith(`${region}/`));
      return say(`<Stacks>${here.map(([place, one]) => described(place, one)).join('')}</Stacks>`);
    }
    case 'DescribeStackEvents':
      if (stack === undefined) return none();
      return say(`<StackEvents>${[...stack.events].reverse().join('')}</StackEvents>`);
    case 'DescribeStackResource':
      if (stack === undefined) return none();
      return say(
        `<StackResourceDetail><LogicalResourceId>${form.get('LogicalResourceId')}</LogicalResourceId><PhysicalResourceId>bucket-${region}-${name}</PhysicalResourceId></StackResourceDetail>`,
      );
    case 'ListStackResources':
      return stack === undefined ? none() : say('<StackResourceSummaries></StackResourceSummaries>');
    case 'ValidateTemplate':
      return say('<Parameters></Parameters>');
    default:
      return answer(
        400,
        `<ErrorResponse><Error><Code>InvalidAction</Code><Message>${action}</Message></Error></ErrorResponse>`,
      );
  }
};

const arn = (key: string) => `arn:aws:cloudformation:${key.replace('/', ':123456789012:stack/')}/1`;

const described = (key: string, { status, tags }: Stack) =>
  `<member><StackId>${arn(key)}</StackId><StackName>${key.split('/')[1]}</StackName><CreationTime>2026-11-23T00:00:00Z</CreationTime><StackStatus>${status}</StackStatus><Outputs></Outputs><Tags>${tags
    .map(([name, value]) => `<member><Key>${name}</Key><Value>${value}</Value></member>`)
    .join('')}</Tags></member>`;

/** A list of pairs, as the query protocol numbers them. */
const members = (form: URLSearchParams, list: string, first: string, second: string) => {
  const pairs: (readonly [string, string])[] = [];
  for (let index = 1; form.has(`${list}.member.${index}.${first}`); index += 1) {
    const of = (name: string) => form.get(`${list}.member.${index}.${name}`) ?? '';
    pairs.push([of(first), of(second)]);
  }
  return pairs;
};

/** The template of a call: in it, or in a bucket. */
const templateOf = (form: URLSearchParams, { objects }: Stacks): string => {
  const path = URL.parse(form.get('TemplateURL') ?? '')?.pathname.slice(1);
  return path === undefined
    ? (form.get('TemplateBody') ?? '')
    : (objects.get(decodeURIComponent(path))?.toString() ?? '');
};

/** CloudFormation refuses values for parameters that are not in the template, and a template without its values. */
const wrongParameters = (form: URLSearchParams, stacks: Stacks): string | undefined => {
  const wanted = Object.keys(JSON.parse(templateOf(form, stacks)).Parameters ?? {});
  const given = members(form, 'Parameters', 'ParameterKey', 'ParameterValue').map(([name]) => name);
  const unknown = given.filter((name) => !wanted.includes(name));
  if (unknown.length > 0) return `Parameters: [${unknown}] do not exist in the template`;
  const missing = wanted.filter((name) => !given.includes(name));
  return missing.length === 0 ? undefined : `Parameters: [${missing}] must have values`;
};

let serial = 0;

const change = (form: URLSearchParams, key: string, kind: 'CREATE' | 'UPDATE', stacks: Stacks): string => {
  const { all, failing } = stacks;
  const name = key.split('/')[1] ?? '';
  const before = all.get(key);
  const stack: Stack = before ?? {
    status: '',
    template: '',
    tags: [],
    parameters: new Map(),
    events: [],
  };
  stack.template = templateOf(form, stacks);
  stack.tags = members(form, 'Tags', 'Key', 'Value');
  stack.parameters = new Map(members(form, 'Parameters', 'ParameterKey', 'ParameterValue'));
  const fails = failing.has(key);
  const end = fails ? `${kind === 'CREATE' ? 'ROLLBACK' : 'UPDATE_ROLLBACK'}_COMPLETE` : `${kind}_COMPLETE`;
  const event = (id: string, status: string, type: string, reason = '') => {
    serial += 1;
    stack.events.push(
      `<member><EventId>${serial}</EventId><StackId>${arn(key)}</StackId><StackName>${name}</StackName><LogicalResourceId>${id}</LogicalResourceId><PhysicalResourceId>${arn(key)}</PhysicalResourceId><ResourceType>${type}</ResourceType><Timestamp>${new Date().toISOString()}</Timestamp><ResourceStatus>${status}</ResourceStatus><ResourceStatusReason>${reason}</ResourceStatusReason></member>`,
    );
  };
  const ofStack = 'AWS::CloudFormation::Stack';
  event(name, `${kind}_IN_PROGRESS`, ofStack);
  if (fails) event('ProbeRole', `${kind}_FAILED`, 'AWS::IAM::Role', 'not authorized to perform iam:CreateRole');
  event(name, end, ofStack);
  stack.status = end;
  all.set(key, stack);
  return arn(key);
};
