using Orleans.Serialization;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Serializes and deserializes the arguments and results of calls, which Orleans does not do within one process.</summary>
public sealed class WireRoundTrip(Serializer serializer) : IOutgoingGrainCallFilter
{
    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        if (context.InterfaceMethod?.DeclaringType?.Assembly != typeof(IConversationGrain).Assembly)
        {
            await context.Invoke();
            return;
        }
        for (var i = 0; i < context.Request.GetArgumentCount(); i++)
        {
            if (context.Request.GetArgument(i) is { } argument and not CancellationToken) context.Request.SetArgument(i, Copy(argument));
        }
        await context.Invoke();
        if (context.Result is { } result) context.Result = Copy(result);
    }

    private object Copy(object value) => serializer.Deserialize<object>(serializer.SerializeToArray(value))!;
}
