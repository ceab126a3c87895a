import { logical, type Resource, type Stack, type Statement, sub, tagsOf } from './template.ts';

const assumedBy = (service: string, condition: object = {}) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole', ...condition }],
});

const role = (stack: Stack, what: string, assumed: object, statements: readonly Statement[]): Resource => {
  const { permissions_boundary, iam_path } = stack.aws;
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: sub(`${stack.name}-${what}-\${AWS::Region}`),
      ...(iam_path === undefined ? {} : { Path: iam_path }),
      ...(permissions_boundary === undefined ? {} : { PermissionsBoundary: permissions_boundary }),
      AssumeRolePolicyDocument: assumed,
      Policies: [
        {
          PolicyName: what,
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: statements.map(({ Sid, ...rest }) => ({ Sid, Effect: 'Allow', ...rest })),
          },
        },
      ],
      Tags: tagsOf(stack),
    },
  };
};

/** The role of the function, unless the list names one that is there already. */
export const probeRole = (stack: Stack, statements: readonly Statement[]): Record<string, Resource> =>
  stack.aws.role_arn === undefined
    ? { [logical.role]: role(stack, 'probe', assumedBy('lambda.amazonaws.com'), statements) }
    : {};

/** What {@link probeRole} is referred to by. */
export const probeRoleArn = ({ aws: { role_arn } }: Stack): unknown =>
  role_arn ?? { 'Fn::GetAtt': [logical.role, 'Arn'] };

/** The role of the schedules; nobody else's schedules may use it (the confused deputy problem). */
export const scheduleRole = (stack: Stack): Record<string, Resource> =>
  stack.aws.schedule_role_arn === undefined
    ? {
        ScheduleRole: role(
          stack,
          'schedule',
          assumedBy('scheduler.amazonaws.com', {
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
          [{ Sid: 'Invoke', Action: ['lambda:InvokeFunction'], Resource: { 'Fn::GetAtt': [logical.function, 'Arn'] } }],
        ),
      }
    : {};

/** What {@link scheduleRole} is referred to by. */
export const scheduleRoleArn = ({ aws: { schedule_role_arn } }: Stack): unknown =>
  schedule_role_arn ?? { 'Fn::GetAtt': ['ScheduleRole', 'Arn'] };
