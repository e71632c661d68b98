namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>
/// Runs a call so that its answer can be lost and the call sent again. Only calls to other silos are, and their requests stay as they are; one that ran in its caller's silo
/// was emptied by Orleans.
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
