namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>
/// Runs a call so that it can be retried afterwards. Orleans clears the request of a call within a silo; here its arguments are restored, as if the call had
/// gone to another silo.
/// </summary>
internal static class LostAnswer
{
    public static async Task InvokeKeepingArguments(this IOutgoingGrainCallContext context)
    {
        var arguments = Enumerable.Range(0, context.Request.GetArgumentCount()).Select(context.Request.GetArgument).ToArray();
        await context.Invoke();
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is not CancellationToken) context.Request.SetArgument(i, arguments[i]!);
        }
    }
}
