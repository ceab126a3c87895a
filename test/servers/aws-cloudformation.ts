/** Stacks of the stand-in, by `region/name`, and the names of those whose next change fails. */
export type Stacks = {
  readonly all: Map<string, Stack>;
  readonly failing: Set<string>;
};

/** A stack as it stands: its status, its template, and what happened to it. */
export type Stack = {
  status: string;
  template: string;
  templateUrl: string;
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
    case 'ListStacks':
      return say(
        `<StackSummaries>${[...stacks.all]
          .filter(([place]) => place.startsWith(`${region}/`))
          .map(([place, { status }]) => summary(place, status))
          .join('')}</StackSummaries>`,
      );
    case 'CreateStack':
    case 'UpdateStack':
      return say(`<StackId>${change(form, key, action === 'CreateStack' ? 'CREATE' : 'UPDATE', stacks)}</StackId>`);
    case 'DeleteStack':
      if (stack !== undefined) stacks.all.delete(key);
      return say('');
    case 'DescribeStacks':
      if (stack === undefined) return none();
      return say(`<Stacks>${described(key, stack.status)}</Stacks>`);
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

const summary = (key: string, status: string) =>
  `<member><StackId>${arn(key)}</StackId><StackName>${key.split('/')[1]}</StackName><CreationTime>2026-11-23T00:00:00Z</CreationTime><StackStatus>${status}</StackStatus></member>`;

const described = (key: string, status: string) =>
  `<member><StackId>${arn(key)}</StackId><StackName>${key.split('/')[1]}</StackName><CreationTime>2026-11-23T00:00:00Z</CreationTime><StackStatus>${status}</StackStatus><Outputs></Outputs></member>`;

let serial = 0;

const change = (form: URLSearchParams, key: string, kind: 'CREATE' | 'UPDATE', { all, failing }: Stacks): string => {
  const name = key.split('/')[1] ?? '';
  const before = all.get(key);
  const stack: Stack = before ?? { status: '', template: '', templateUrl: '', events: [] };
  stack.template = form.get('TemplateBody') ?? '';
  stack.templateUrl = form.get('TemplateURL') ?? '';
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
